"""Pydantic models of all settings of each command, as its words and YAML files give them."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, TypeVar, get_args

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from mnist_seq.config.search import SearchConfig
from mnist_seq.config.settings import (
    Certificates,
    Config,
    DataConfig,
    File,
    Name,
    NetworkFormat,
    Objective,
    Scalar,
    SchedulerAddress,
    Settings,
    TrackingConfig,
    TrainOn,
    Values,
    WorkersConfig,
    flatten,
)

Chosen = TypeVar("Chosen", int | None, str | None)


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


def _flat(value: Any) -> Any:
    return flatten(value) if isinstance(value, Mapping) else value


class TrainConfig(Config):
    """Settings of ``python -m experiments.train``."""

    name: Name = Field(description="the MLflow experiment that the run belongs to")
    workers: WorkersConfig
    tracking: TrackingConfig


class SweepConfig(Config):
    """Settings of ``python -m experiments.sweep``."""

    study: Name | None = Field(description="null: made from the data and the settings")
    report: Literal["end", "live"] = Field(
        default="end",
        description="when the study's page is written; live: while the sweep runs as well",
    )
    retry_failed: bool = Field(
        default=False,
        description="try every failed trial again, not only those that a fault outside them ended",
    )
    notify: str | None = Field(
        default=None,
        min_length=1,
        exclude=True,  # an address may be a secret: it is kept nowhere
        description="an http(s) URL that is contacted when the search has ended, once, and nothing "
        "else ever is; or a command that is run then",
    )
    search: SearchConfig
    workers: WorkersConfig
    tracking: TrackingConfig

    @model_validator(mode="before")
    @classmethod
    def _monitor_is_the_metric(cls, values: Any) -> Any:
        match values:
            case {"training": {"monitor": None}, "search": {"objective": aims}}:
                metric = aims[0] if isinstance(aims, list) and aims else aims
                # Where it is none, that is said of search.objective alone.
                monitor = metric if metric in get_args(Objective) else get_args(Objective)[0]
                return {**values, "training": {**values["training"], "monitor": monitor}}
        return values

    @model_validator(mode="after")
    def _validation_images_are_held_out(self) -> Self:
        named = {*self.search.space, *(path for each in self.search.baselines for path in each)}
        if self.data.train_on != "train" or "data.train_on" in named:
            raise ValueError(
                "data.train_on: must be train: a search chooses by the validation images; "
                "rerun on=train+validation trains its best config on all"
            )
        return self


def _alone(value: Chosen, means: str, info: ValidationInfo, *others: str) -> Chosen:
    """Return a setting's value; raise a ValueError if one that it excludes is set as well."""
    for other in others:
        if value is not None and (chosen := info.data.get(other)) is not None:
            raise ValueError(f"means {means}, so not together with {other}={chosen}")
    return value


class ChosenRun(Settings):
    """Selects an earlier run: by study and trial number, or by MLflow run id."""

    study: Name | None = Field(description="null: the latest")
    trial: int | None = Field(ge=0, description="null: the best")
    run: str | None = Field(pattern="^[0-9a-f]{32}$", description="an MLflow run id, instead")

    @field_validator("run")
    @classmethod
    def _run_goes_alone(cls, run: str | None, info: ValidationInfo) -> str | None:
        return _alone(run, "one run", info, "study", "trial")


class ChosenNetwork(ChosenRun):
    """Selects the network of an earlier run, or one by its name in MLflow's registry."""

    champion: Name | None = Field(
        default=None, description="a name in MLflow's registry, instead: its champion"
    )

    @field_validator("champion")
    @classmethod
    def _name_goes_alone(cls, name: str | None, info: ValidationInfo) -> str | None:
        return _alone(name, "a registered network", info, "study", "trial", "run")


class DataFiles(Settings):
    """Where the data files of an earlier run are now, if they were moved."""

    train_file: str | None = Field(
        default=None, min_length=1, description="the run's, if it was moved; null: where it was"
    )
    test_file: str | None = Field(
        default=None, min_length=1, description="the run's, if it was moved; null: where it was"
    )
    folder: str | None = Field(
        default=None, min_length=1, description="the run's, if it was moved; null: where it was"
    )


class RerunConfig(ChosenRun):
    """Settings of ``python -m experiments.rerun``."""

    data: DataFiles = DataFiles()
    top: int | None = Field(
        default=None, ge=1, le=1000, description="the best trials, so many of them; null: one"
    )
    seeds: int = Field(
        ge=1, le=1000, description="trainings of each: the first with the config's own seed"
    )
    baseline: bool = Field(description="with several seeds, train the baseline on them as well")
    seed: int | None = Field(
        default=None,
        ge=0,
        le=2**32 - 1,
        description="of the first training; null: its own",
    )
    on: TrainOn | None = Field(
        default=None,
        description="images to train on: train+validation is all before the test; null: as it was",
    )
    model: Values = Field(default={}, description="settings to change, as in model.units=96")
    training: Annotated[Values, BeforeValidator(_flat)] = Field(
        default={}, description="settings to change, as in training.epochs=30"
    )
    register_as: Name | None = Field(
        default=None,
        alias="register",  # pydantic's models have a method of this name
        description="a name in MLflow's registry for the network of the best seed by validation; "
        "its champion if it beats the present one by more than luck",
    )
    force: bool = Field(default=False, description="register: champion in any case")
    workers: WorkersConfig
    tracking: TrackingConfig

    @property
    def changes(self) -> Values:
        """The settings of the training that are to be changed, by path."""
        own = {"seed": self.seed, "data.train_on": self.on}
        changes: Values = flatten({"model": self.model, "training": self.training})
        return changes | {path: value for path, value in own.items() if value is not None}

    @field_validator("top")
    @classmethod
    def _top_goes_alone(cls, top: int | None, info: ValidationInfo) -> int | None:
        return _alone(top, "the best trials", info, "trial", "run")

    @field_validator("register_as")
    @classmethod
    def _registers_one_config(cls, name: str | None, info: ValidationInfo) -> str | None:
        # Of several, the test images would have chosen one.
        if name is not None and info.data.get("top") is not None:
            raise ValueError("means one trial's network, so not together with top; name a trial")
        return name

    @field_validator("force")
    @classmethod
    def _force_goes_with_register(cls, force: bool, info: ValidationInfo) -> bool:
        if force and info.data.get("register_as") is None:
            raise ValueError("goes with register=NAME")
        return force


class SensitivityConfig(ChosenRun):
    """Settings of ``python -m experiments.sensitivity``."""

    data: DataFiles = DataFiles()
    seeds: int = Field(ge=2, le=1000, description="trainings of each config, with fresh seeds")
    values: Annotated[
        dict[str, Annotated[list[Scalar], Field(min_length=1), BeforeValidator(_as_list)]],
        BeforeValidator(_flat),
    ] = Field(description="settings to change, and to which values; empty: the study's space")
    pairs: list[Annotated[list[str], Field(min_length=2, max_length=2)]] = Field(
        description="settings to change together, two and two"
    )
    file: File | None = Field(min_length=1, description="null: in the tracking folder's reports")
    workers: WorkersConfig
    tracking: TrackingConfig


class InspectConfig(ChosenRun):
    """Settings of ``python -m experiments.inspect``."""

    part: Literal["validation", "test"] = Field(description="which images; test only when asked")
    against: str | None = Field(
        description="compare with another: baseline, a trial's number, or an MLflow run id"
    )
    images: int = Field(ge=1, le=30, description="how many are shown one by one")
    file: File | None = Field(min_length=1, description="null: in the tracking folder's reports")
    data: DataFiles = DataFiles()
    tracking: TrackingConfig

    @field_validator("against")
    @classmethod
    def _names_a_run(cls, value: str | None, known: ValidationInfo) -> str | None:
        if value is not None and not re.fullmatch("baseline|[0-9]{1,9}|[0-9a-f]{32}", value):
            raise ValueError(
                f"must be baseline, a trial number or an MLflow run id (got {value!r})"
            )
        if value is not None and known.data.get("part") == "test":
            raise ValueError("networks are compared on the validation images alone (got part=test)")
        return value


class ShowDataConfig(Settings):
    """Settings of ``python -m experiments.data``."""

    data: DataConfig
    images: int = Field(ge=1, le=100, description="how many of each class the page shows")
    file: File | None = Field(min_length=1, description="null: in the tracking folder's reports")
    tracking: TrackingConfig


class UiConfig(Settings):
    """Settings of ``python -m experiments.ui``."""

    study: Name | None = Field(description="null: the latest")
    port: int = Field(ge=0, le=65_535, description="0: any free port")
    tracking: TrackingConfig


class CompareConfig(Settings):
    """Settings of ``python -m experiments.compare``."""

    studies: Annotated[list[Name], BeforeValidator(_as_list)] | None = Field(
        description="two to six, as in studies=[a,b]; null: the two latest"
    )
    file: File | None = Field(min_length=1, description="null: in the tracking folder's reports")
    tracking: TrackingConfig

    @field_validator("studies")
    @classmethod
    def _are_several(cls, studies: list[str] | None) -> list[str] | None:
        named = studies or []
        if studies is not None and not 2 <= len(named) <= 6:
            raise ValueError(f"must name two to six studies, as in studies=[a,b] (got {named})")
        twice = [name for name in named if named.count(name) > 1]
        if twice:
            raise ValueError(f"names {twice[0]} twice")
        return studies


class ExportConfig(ChosenNetwork):
    """Settings of ``python -m experiments.export``."""

    format: Literal["csv", "parquet", "both", "onnx", "litert"] = Field(
        description="of the study's tables: parquet keeps each column's type, csv is for all else; "
        "of one network: onnx, litert"
    )
    folder: File | None = Field(
        min_length=1, description="null: one of the study's name in the tracking folder's reports"
    )
    data: DataFiles = DataFiles()
    tracking: TrackingConfig

    @field_validator("format")
    @classmethod
    def _tables_are_of_a_study(cls, wanted: str, info: ValidationInfo) -> str:
        for name in ("trial", "run", "champion"):
            chosen = info.data.get(name)
            if wanted not in get_args(NetworkFormat) and chosen is not None:
                raise ValueError(
                    f"must be onnx or litert with {name}={chosen}, which is one network; tables "
                    f"are of a whole study (got {wanted!r})"
                )
        return wanted


class PredictConfig(ChosenNetwork):
    """Settings of ``python -m experiments.predict``."""

    image: (
        Annotated[list[Annotated[File, Field(min_length=1)]], BeforeValidator(_as_list)] | None
    ) = Field(
        min_length=1,
        description="files of one character each, as in image=[a.png,b.png], or a folder of such",
    )
    page: File | None = Field(
        min_length=1, description="a scan or photo with lines of characters, instead of image"
    )
    ink: Literal["auto", "dark", "light"] = Field(
        description="ink on the paper; auto: found out image by image"
    )
    confidence: float = Field(
        ge=0,
        le=1,
        description="a character is marked with ? unless a class has this probability; at 0.5, "
        "more than all others together",
    )
    on_bad_image: Literal["fail", "skip"] = Field(
        description="image: what becomes of a file that is no usable image"
    )
    folder: File | None = Field(
        min_length=1, description="of what is written; null: the tracking folder's reports"
    )
    tracking: TrackingConfig

    @field_validator("page")
    @classmethod
    def _page_goes_alone(cls, page: str | None, info: ValidationInfo) -> str | None:
        if page is not None and info.data.get("image") is not None:
            raise ValueError("is read by a command of its own, so not together with image")
        return page


class DrawConfig(ChosenNetwork):
    """Settings of ``python -m experiments.draw``."""

    port: int = Field(ge=0, le=65_535, description="0: any free port")
    tracking: TrackingConfig


class ReportConfig(Settings):
    """Settings of ``python -m experiments.report``."""

    study: Name | None = Field(description="null: the latest")
    follow: bool = Field(
        default=False, description="write the page again and again while the study's sweep runs"
    )
    file: File | None = Field(min_length=1, description="null: in the tracking folder's reports")
    tracking: TrackingConfig


class SchedulerConfig(Certificates):
    """Settings of ``python -m experiments.scheduler``."""

    host: str = Field(
        min_length=1,
        description="the address of this machine that others reach; 127.0.0.1: it alone",
    )
    port: int = Field(ge=0, le=65_535, description="0: any free port")


class WorkerConfig(Certificates):
    """Settings of ``python -m experiments.worker``."""

    positional = "scheduler"

    scheduler: SchedulerAddress = Field(description="address of the scheduler to work for")
    count: int | None = Field(
        ge=1, le=4096, description="processes; null: one a core, at 1.5 GiB each"
    )
    host: str | None = Field(
        min_length=1,
        description="the address of this machine that the others reach; null: found out",
    )
