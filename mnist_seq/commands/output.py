"""What commands print with ``--json``: one object each, for programs to read.

``docs/output.schema.json`` is their schema, made by ``python -m mnist_seq.commands.output``.
"""

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter

from mnist_seq.config.settings import Scalar, flatten

if TYPE_CHECKING:
    from mnist_seq.api.rerun import Rerun, Retraining
    from mnist_seq.api.sensitivity import Sensitivity
    from mnist_seq.api.study import Study
    from mnist_seq.api.trained_run import TrainedRun
    from mnist_seq.driver.read_images import ReadImages
    from mnist_seq.driver.read_page import ReadPage
    from mnist_seq.driver.register import RegisteredNetwork
    from mnist_seq.driver.written_page import WrittenPage


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


# JSON has no NaN: what is not known is null.
Number: TypeAlias = Annotated[float | None, BeforeValidator(_finite)]


PageCommand: TypeAlias = Literal["report", "inspect", "compare", "data"]


class Output(BaseModel):
    """Base class of all JSON output objects."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Run(Output):
    """A training."""

    run_id: str = Field(description="MLflow's")
    name: str
    trial: int | None = Field(description="its number, if a search has made it")
    value: Number = Field(description="of the best epoch: what the search compares trials by")
    settings: dict[str, Scalar] = Field(description="of the whole training, by path")

    @classmethod
    def of(cls, run: "TrainedRun") -> Self:
        return cls(
            run_id=run.run_id,
            name=run.name,
            trial=run.run.number,
            value=run.value,
            settings=flatten(run.config.model_dump()),
        )


class Failure(Output):
    """A trial that has failed."""

    trial: int
    reason: str


class FrontPoint(Output):
    """A trial on the Pareto front; a cost that is no aim is null."""

    trial: int
    value: Number = Field(description="of the objective")
    parameters: int | None
    seconds: Number = Field(description="of the first epoch")


class Sweep(Output):
    """What ``sweep`` prints."""

    command: Literal["sweep"] = "sweep"
    study: str
    folder: str = Field(description="the tracking folder")
    objective: str = Field(description="the first aim")
    trials: dict[str, int] = Field(description="how many are complete, pruned, failed")
    best: Run | None
    front: list[FrontPoint] = Field(
        description="no other trial is as good in each aim; the cheapest first"
    )
    findings: list[str]
    failures: list[Failure]
    report: str = Field(description="the page's file")

    @classmethod
    def of(cls, study: "Study") -> Self:
        assert study.page is not None  # its sweep has ended
        trials, metric = study.trials, study.config.search.metric
        failed = trials[trials["state"] == "failed"]
        return cls(
            study=study.name,
            folder=str(study.workspace.folder),
            objective=metric,
            trials={str(state): int(n) for state, n in trials["state"].value_counts().items()},
            best=Run.of(study.best) if study.has_best else None,
            front=[
                FrontPoint(
                    trial=row["trial"],
                    value=row[metric],
                    parameters=row.get("parameters"),
                    seconds=row.get("seconds"),
                )
                for row in study.front.to_dict("records")
            ],
            findings=list(study.page.findings),
            failures=[
                Failure(trial=int(number), reason=str(reason))
                for number, reason in zip(failed["trial"], failed["reason"], strict=True)
            ],
            report=str(study.page.path),
        )


class Train(Output):
    """What ``train`` prints."""

    command: Literal["train"] = "train"
    folder: str
    run: Run

    @classmethod
    def of(cls, run: "TrainedRun") -> Self:
        return cls(folder=str(run.workspace.folder), run=Run.of(run))


class Networks(Output):
    """A config that was trained again."""

    name: str = Field(description="of the earlier run")
    run_ids: list[str]
    seeds: list[int]
    test_accuracies: list[float]
    mean: float
    std: Number = Field(description="null of a single one")
    ensemble: float
    reproduced: str

    @classmethod
    def of(cls, networks: "Retraining") -> Self:
        return cls(
            name=networks.name,
            run_ids=[run.run_id for run in networks.runs],
            seeds=[run.config.seed for run in networks.runs],
            test_accuracies=list(networks.test_accuracies),
            mean=networks.mean,
            std=networks.std,
            ensemble=networks.ensemble,
            reproduced=networks.reproduced,
        )


class Interval(Output):
    """95 % interval of a difference of accuracies."""

    low: float
    mean: float
    high: float


class Registered(Output):
    """A network in MLflow's registry."""

    name: str
    version: int
    run_id: str
    is_champion: bool
    verdict: str

    @classmethod
    def of(cls, registered: "RegisteredNetwork") -> Self:
        return cls(**asdict(registered))


class Retrained(Output):
    """What ``rerun`` prints."""

    command: Literal["rerun"] = "rerun"
    study: str
    retrained: list[Networks]
    baseline: Networks | None
    difference: Interval | None = Field(description="the first against the baseline")
    registered: Registered | None = Field(description="null: without register")

    @classmethod
    def of(cls, rerun: "Rerun") -> Self:
        names = ("low", "mean", "high")
        difference = rerun.difference and dict(zip(names, rerun.difference, strict=True))
        return cls(
            study=rerun.study,
            retrained=[Networks.of(each) for each in rerun.retrainings],
            baseline=Networks.of(rerun.baseline) if rerun.baseline else None,
            difference=Interval(**difference) if difference else None,
            registered=Registered.of(rerun.registered) if rerun.registered else None,
        )


class Point(Output):
    """One value of a hyperparameter, all else as chosen."""

    hyperparameter: str
    value: Scalar
    mean: Number
    standard_error: Number
    chosen: bool


class Measured(Output):
    """What ``sensitivity`` prints."""

    command: Literal["sensitivity"] = "sensitivity"
    study: str
    run: str
    objective: str
    table: list[Point]
    findings: list[str]
    page: str

    @classmethod
    def of(cls, measured: "Sensitivity") -> Self:
        return cls(
            study=measured.study,
            run=measured.run,
            objective=measured.objective,
            table=[
                Point(
                    hyperparameter=row["hyperparameter"],
                    value=row["value"],
                    mean=row[measured.objective],
                    standard_error=row["standard_error"],
                    chosen=row["chosen"],
                )
                for row in measured.table.astype(object).to_dict("records")
            ],
            findings=list(measured.findings),
            page=str(measured.page.path),
        )


class Page(Output):
    """What ``report``, ``inspect``, ``compare`` and ``data`` print."""

    command: PageCommand
    findings: list[str]
    page: str

    @classmethod
    def of(
        cls, command: Literal["report", "inspect", "compare", "data"], page: "WrittenPage"
    ) -> Self:
        return cls(command=command, findings=list(page.findings), page=str(page.path))


class Files(Output):
    """What ``export`` prints."""

    command: Literal["export"] = "export"
    files: dict[str, str]


class Candidate(Output):
    """A class that a character may be of."""

    label: str
    probability: float


class Character(Output):
    """What a network says of an image of one character."""

    image: str
    label: str | None = Field(description="null: no class is probable enough")
    candidates: list[Candidate] = Field(description="the most probable first")


class BadImage(Output):
    """A file that was skipped."""

    image: str
    problem: str


class Predicted(Output):
    """What ``predict image=...`` prints."""

    command: Literal["predict"] = "predict"
    study: str
    run_id: str
    characters: list[Character]
    skipped: list[BadImage]
    table: str = Field(description="the CSV file")

    @classmethod
    def of(cls, read: "ReadImages") -> Self:
        return cls(
            study=read.reader.experiment.study,
            run_id=read.reader.run.id,
            characters=[
                Character(
                    image=str(path),
                    label=answer.label if answer.is_sure else None,
                    candidates=[Candidate(**each._asdict()) for each in answer.candidates],
                )
                for path, answer in zip(read.images, read.answers, strict=True)
            ],
            skipped=[
                BadImage(image=str(path), problem=problem) for path, problem in read.bad.items()
            ],
            table=str(read.file),
        )


class PageCharacter(Output):
    """A character on a page; its box is in pixels of the written picture with boxes."""

    line: int
    left: int
    top: int
    width: int
    height: int
    is_after_space: bool
    is_cut: bool = Field(description="it touched another")
    label: str | None = Field(description="null: no class is probable enough")
    candidates: list[Candidate] = Field(description="the most probable first")


class PageRead(Output):
    """What ``predict page=...`` prints."""

    command: Literal["predict"] = "predict"
    study: str
    run_id: str
    text: str = Field(description="? for a character that no class is probable enough for")
    tilt: float = Field(description="degrees, clockwise")
    characters: list[PageCharacter]
    files: dict[str, str]

    @classmethod
    def of(cls, read: "ReadPage") -> Self:
        places = [(row, each) for row, line in enumerate(read.lines, 1) for each in line]
        return cls(
            study=read.reader.experiment.study,
            run_id=read.reader.run.id,
            text=read.text,
            tilt=read.scan.tilt,
            characters=[
                PageCharacter(
                    line=row,
                    left=character.box.left,
                    top=character.box.top,
                    width=character.box.width,
                    height=character.box.height,
                    is_after_space=character.is_after_space,
                    is_cut=character.is_cut,
                    label=answer.label if answer.is_sure else None,
                    candidates=[Candidate(**each._asdict()) for each in answer.candidates],
                )
                for (row, character), answer in zip(places, read.answers, strict=True)
            ],
            files={kind: str(file) for kind, file in read.files.items()},
        )


class Ui(Output):
    """What ``ui`` prints before it serves."""

    command: Literal["ui"] = "ui"
    study: str
    addresses: dict[str, str]


class Draw(Output):
    """What ``draw`` prints before it serves."""

    command: Literal["draw"] = "draw"
    study: str
    run_id: str
    address: str


class Scheduler(Output):
    """What ``scheduler`` prints once it can be reached."""

    command: Literal["scheduler"] = "scheduler"
    address: str


class Worker(Output):
    """What ``worker`` prints before its processes start."""

    command: Literal["worker"] = "worker"
    scheduler: str
    processes: int


class Failed(Output):
    """What a command prints that ends with an exit code other than 0."""

    error: list[str]
    exit_code: int


AnyOutput: TypeAlias = (
    Sweep
    | Train
    | Retrained
    | Measured
    | Page
    | Files
    | Predicted
    | PageRead
    | Ui
    | Draw
    | Scheduler
    | Worker
    | Failed
)


def schema() -> dict[str, Any]:
    """JSON Schema of all objects."""
    return TypeAdapter(AnyOutput).json_schema(mode="serialization")


if __name__ == "__main__":
    Path("docs/output.schema.json").write_text(json.dumps(schema(), indent=2) + "\n")
