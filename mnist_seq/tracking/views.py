"""Views of a study's runs in MLflow's UI, prepared so that they open with what matters.

MLflow keeps a shared view of an experiment's runs as one of its tags, and opens it where an address
names its key. The format is that of MLflow 3.17; a version that reads another shows its plain page.
"""

import json
from collections.abc import Sequence
from typing import Any

from mnist_seq.config import Objective

VIEW_KEY = "trials"
VIEW_TAG = f"mlflow.sharedViewState.{VIEW_KEY}"
CURVES: tuple[Objective, ...] = ("validation_accuracy", "validation_loss")
MOST_RUNS = 1000  # whose curves are drawn: not the ten newest alone
HEIGHT = 420  # of a chart, in pixels


def trials_view(objective: Objective, paths: Sequence[str]) -> str:
    """Return a study's view as JSON: trials with value and settings, curves, parallel coordinates.

    Parameters
    ----------
    objective : str
        What the trials are sorted by.
    paths : sequence of str
        The searched settings.
    """
    value = f"best_{objective}"
    state = {
        "searchFilter": "tags.role = 'trial'",
        "orderByKey": f"metrics.`{value}`",
        "orderByAsc": objective == "validation_loss",
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": [f"metrics.`{value}`", *(f"params.`{path}`" for path in paths)],
        "runsHiddenMode": "SHOWALL",
        "runsHidden": [],
        "runsPinned": [],
        "runsVisibilityMap": {},
        "runsExpanded": {},
        "groupBy": None,
        "hideEmptyCharts": True,
        "useGroupedValuesInCharts": True,
        "isAccordionReordered": False,
        "compareRunSections": [
            _section("settings", "Settings and value", 1),
            _section("curves", "Learning curves", 2),
        ],
        "compareRunCharts": [_parallel(value, paths), *map(_line, CURVES)],
    }
    return json.dumps(state)


def _section(uuid: str, name: str, columns: int) -> dict[str, Any]:
    return {
        "uuid": uuid,
        "name": name,
        "columns": columns,
        "cardHeight": HEIGHT,
        "display": True,
        "isReordered": False,
        "deleted": False,
        "isGenerated": False,
    }


def _chart(kind: str, section: str, name: str) -> dict[str, Any]:
    return {
        "uuid": name,
        "type": kind,
        "metricSectionId": section,
        "deleted": False,
        "isGenerated": False,
        "runsCountToCompare": MOST_RUNS,
    }


def _parallel(value: str, paths: Sequence[str]) -> dict[str, Any]:
    return {
        **_chart("PARALLEL", "settings", "parallel"),
        "selectedParams": list(paths),
        "selectedMetrics": [value],
        "showAllRuns": True,
    }


def _line(metric: str) -> dict[str, Any]:
    return {
        **_chart("LINE", "curves", metric),
        "metricKey": metric,
        "selectedMetricKeys": [metric],
        "xAxisKey": "step",
        "selectedXAxisMetricKey": "",
        "scaleType": "log" if metric.endswith("loss") else "linear",
        "xAxisScaleType": "linear",
        "lineSmoothness": 0,
        "range": {"xMin": None, "xMax": None, "yMin": None, "yMax": None},
        "useGlobalXaxisKey": False,
        "useGlobalLineSmoothing": False,
    }
