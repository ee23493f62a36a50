"""Views of a study's runs in MLflow's UI, prepared so that they open with what matters.

MLflow keeps a saved view of an experiment's runs as one of its tags, lists it under "Views", and
opens it where an address names its key. The format is that of MLflow 3.17; a version that reads
another shows its plain page.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

from mnist_seq.config.settings import Objective

ViewKey: TypeAlias = Literal["trials", "reruns", "sensitivity"]
Column: TypeAlias = tuple[Literal["metrics", "params", "tags"], str]
Chart: TypeAlias = dict[str, Any]

# Params of every run that are numbers: MLflow draws no others along an axis.
NUMBERS = ("model.units", "training.learning_rate", "training.batch_size", "training.epochs")
MOST_RUNS = 1000  # that a chart shows: not the ten newest alone
# In pixels.
HEIGHT = 420  # of a chart
WIDTH_OF_NAME, WIDTH_OF_GROUP, WIDTH_OF_CREATED = 150, 520, 130
LEAST_WIDTH = {"metrics": 150, "params": 80, "tags": 130}  # of a column
# MLflow's own columns.
NAME, CREATED, DURATION, DATASETS = (
    "attributes.`Run Name`",
    "runDateAndNestInfo",
    "duration",
    "attributes.`Dataset`",
)


@dataclass(frozen=True)
class View:
    """What MLflow shows of an experiment's runs of one role: a table, and charts.

    Attributes
    ----------
    key : str
        Names it in addresses and in MLflow's list.
    role : str
        Of the runs.
    columns : sequence of tuple of str
        Of the table: kind and name; the runs are sorted by the first.
    sections : mapping
        The charts, by the title above them.
    groups : sequence of tuple of str
        Columns: runs that are alike in them are a group, with its means; charts show groups.
    is_ascending : bool
        Whether the smallest comes first.
    """

    key: ViewKey
    role: str
    columns: Sequence[Column]
    sections: Mapping[str, Sequence[Chart]]
    groups: Sequence[Column] = ()
    is_ascending: bool = False

    @property
    def tag(self) -> str:
        """Name of the experiment's tag that stores this view."""
        return _experiment_tag(self.key)

    def text(self, created: int) -> str:
        """Return the tag's value; `created` is in milliseconds since 1970."""
        names = [f"{kind}.`{name}`" for kind, name in self.columns]
        state = {
            "searchFilter": f"tags.role = '{self.role}'",
            "orderByKey": names[0],
            "orderByAsc": self.is_ascending,
            "selectedColumns": [*names, DATASETS],
            "columnOrder": [NAME, CREATED, *names, DURATION, DATASETS],
            "columnWidths": {
                NAME: WIDTH_OF_GROUP if self.groups else WIDTH_OF_NAME,
                CREATED: WIDTH_OF_CREATED,
                **dict(zip(names, map(_width, self.columns), strict=True)),
            },
            "groupBy": _grouping(self.groups),
            "runsHiddenMode": "SHOW_ALL",
            "compareRunSections": [
                _section(title, len(charts)) for title, charts in self.sections.items()
            ],
            "compareRunCharts": [
                {**chart, "metricSectionId": title}
                for title, charts in self.sections.items()
                for chart in charts
            ],
        }
        return json.dumps({"name": self.key, "createdAt": created, "state": json.dumps(state)})


def views_among(tags: Mapping[str, str]) -> frozenset[ViewKey]:
    """Return the keys of the views that are among an experiment's tags."""
    return frozenset(key for key in get_args(ViewKey) if _experiment_tag(key) in tags)


def trials_view(objective: Objective, paths: Sequence[str]) -> View:
    """Return the view of a search: value and settings of each trial, all curves.

    Parameters
    ----------
    objective : str
        What the trials are sorted by.
    paths : sequence of str
        The searched settings.
    """
    value = f"best_{objective}"
    return View(
        "trials",
        "trial",
        [("metrics", value), *(("params", path) for path in paths)],
        {"Learning curves": _curves(), "Settings and value": [_parallel(value, paths)]},
        is_ascending=objective == "validation_loss",
    )


def _experiment_tag(key: str) -> str:
    return f"mlflow.sharedViewState.{key}"


def _width(column: Column) -> int:
    """Width in which a column's title and values can be read."""
    kind, name = column
    return max(LEAST_WIDTH[kind], int(26 + 6.5 * len(name)))


def _grouping(columns: Sequence[Column]) -> dict[str, Any] | None:
    keys = [{"mode": kind.removesuffix("s"), "groupByData": name} for kind, name in columns]
    return {"aggregateFunction": "average", "groupByKeys": keys} if keys else None


def _section(title: str, charts: int) -> dict[str, Any]:
    return {
        "uuid": title,
        "name": title,
        "columns": min(charts, 2),
        "cardHeight": HEIGHT,
        "display": True,
    }


def _chart(kind: str, name: str) -> Chart:
    return {"uuid": f"{kind} {name}", "type": kind, "runsCountToCompare": MOST_RUNS}


def _parallel(value: str, paths: Sequence[str]) -> Chart:
    return {
        **_chart("PARALLEL", value),
        "selectedParams": list(paths),
        "selectedMetrics": [value],
        "showAllRuns": True,
    }


def _points(kind: str, across: str, metric: str) -> Chart:
    return {
        **_chart("SCATTER", across),
        "xaxis": {"key": across, "type": kind},
        "yaxis": {"key": metric, "type": "METRIC"},
    }


def _curves(*, of_groups: bool = False) -> list[Chart]:
    # A group's band between its lowest and highest would begin at 0 on a linear axis.
    scale = "log" if of_groups else "linear"
    return [_line("validation_accuracy", scale), _line("validation_loss", "log")]


def _line(metric: str, scale: str) -> Chart:
    return {
        **_chart("LINE", metric),
        "metricKey": metric,
        "selectedMetricKeys": [metric],
        "xAxisKey": "step",
        "selectedXAxisMetricKey": "",
        "scaleType": scale,
        "xAxisScaleType": "linear",
        "lineSmoothness": 0,
        "range": {"xMin": None, "xMax": None, "yMin": None, "yMax": None},
        "useGlobalXaxisKey": False,
        "useGlobalLineSmoothing": False,
    }


# What trainings of given configs are shown by, by their role.
VIEWS: Mapping[str, View] = {
    "rerun": View(
        "reruns",
        "rerun",
        [
            ("metrics", "test_accuracy"),
            ("metrics", "best_validation_accuracy"),
            ("params", "config"),
            ("tags", "changed"),
            ("params", "seed"),
            ("params", "baseline"),
            ("tags", "reproduced"),
            ("tags", "rerun_of"),
        ],
        {
            "Accuracy": [_points("METRIC", "best_validation_accuracy", "test_accuracy")],
            "Learning curves": _curves(of_groups=True),
        },
        groups=[
            ("params", "config"),
            ("tags", "changed"),
            ("params", "baseline"),
            ("tags", "rerun_of"),
        ],
    ),
    "sensitivity": View(
        "sensitivity",
        "sensitivity",
        [
            ("tags", "hyperparameter"),
            ("tags", "setting"),
            ("metrics", "best_validation_accuracy"),
            ("params", "seed"),
        ],
        {
            "Accuracy": [_points("PARAM", path, "best_validation_accuracy") for path in NUMBERS],
            "Learning curves": _curves(of_groups=True),
        },
        groups=[("tags", "hyperparameter"), ("tags", "setting")],
        is_ascending=True,
    ),
}
