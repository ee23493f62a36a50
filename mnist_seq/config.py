"""Pydantic models of all settings: names, types, allowed ranges and descriptions.

A setting's place here is its path everywhere: ``model.units`` in YAML, on the command line, in a
search space and as an MLflow parameter. Defaults live in ``conf/``; ranges and meanings live here.
"""

import os
import re
from collections.abc import Mapping, Set
from typing import Annotated, Any, Literal, Self, TypeAlias, cast, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    field_validator,
    model_validator,
)

Scalar: TypeAlias = bool | int | float | str | None
Values: TypeAlias = dict[str, Scalar]  # by path: model.units, training.learning_rate
Objective: TypeAlias = Literal["validation_accuracy", "validation_loss"]
Cost: TypeAlias = Literal["parameters", "seconds"]  # of a network, and of its first epoch
OptimizerName: TypeAlias = Literal[
    "adadelta", "adagrad", "adam", "adamax", "adamw", "lamb", "lion", "nadam", "rmsprop", "sgd"
]
NetworkFormat: TypeAlias = Literal["onnx", "litert"]
Readout: TypeAlias = Literal["last", "each_step", "mean", "max", "flatten", "attention"]
Cell: TypeAlias = Literal["lstm", "gru", "simple_rnn"]
Order: TypeAlias = Literal["rows", "columns", "both"]
File: TypeAlias = Annotated[str, AfterValidator(os.path.expanduser)]  # ~/a.csv is known
Name: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]


class Settings(BaseModel):
    """Base class of all settings models: strictly typed, frozen, unknown keys forbidden."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class DataConfig(Settings):
    """Which images, how they are split, and how pixels are scaled."""

    source: Literal["mnist", "digits", "csv", "npz", "images"] = Field(
        description="where the images come from"
    )
    train_file: File | None = Field(
        description="csv: a label and its pixels, one image a row; npz: x_train, y_train"
    )
    test_file: File | None = Field(
        description="the same format; npz: x_test, y_test; scored once, at the end"
    )
    label_column: str | None = Field(
        default=None,
        min_length=1,
        description="csv: its name in the header, first or last; null: found out, and said",
    )
    folder: File | None = Field(
        default=None,
        min_length=1,
        description="images: one sub-folder a class, or train/ and test/",
    )
    ink: Literal["auto", "dark", "light"] = Field(
        default="auto", description="images: ink on the paper; auto: found out image by image"
    )
    size: int = Field(
        default=28, ge=8, le=512, description="images: rows, and pixels of a row, of each image"
    )
    test_fraction: float = Field(
        default=0.15, gt=0, le=0.5, description="images: share of test images, without test/"
    )
    on_bad_image: Literal["fail", "skip"] = Field(
        default="fail", description="images: what becomes of a file that is no usable image"
    )
    validation_fraction: float = Field(gt=0, lt=1, description="share of training images held out")
    validation_split: Literal["stratified", "tail"] = Field(
        description="stratified: the same mix of classes; tail: the last images, as Keras does"
    )
    split_seed: int = Field(ge=0, le=2**32 - 1, description="the stratified split depends on it")
    scaling: Literal["unit", "minmax", "standard"] = Field(
        description="unit: 0 to 1; minmax, standard: pixel by pixel, from training images"
    )
    pixel_max: float | None = Field(
        default=None,
        ge=0.001,
        le=255,
        description="grey value of full ink; auto: 1, 16 or 255, what the training images need",
    )
    transpose: bool = Field(
        default=False, description="images are written column by column, as EMNIST's are"
    )
    rare_classes: Literal["fail", "leave_out"] = Field(
        default="fail", description="what becomes of a class with too few images for the split"
    )

    @field_validator("pixel_max", mode="before")
    @classmethod
    def _auto_is_none(cls, value: Any) -> Any:
        if isinstance(value, str) and value != "auto":
            raise ValueError(f"data.pixel_max: must be auto or a number (got {value!r})")
        return None if value == "auto" else value

    @model_validator(mode="after")
    def _files_go_with_their_sources(self) -> Self:
        if self.source == "csv":
            if self.train_file is None or self.test_file is None:
                raise ValueError("data=csv needs data.train_file and data.test_file")
        elif self.source == "npz":
            if self.train_file is None:
                raise ValueError("data=npz needs data.train_file")
        elif self.train_file is not None or self.test_file is not None:
            raise ValueError("data.train_file and data.test_file go with data=csv or data=npz")
        if self.label_column is not None and self.source != "csv":
            raise ValueError("data.label_column goes with data=csv")
        return self

    @model_validator(mode="after")
    def _folder_goes_with_images(self) -> Self:
        if self.source == "images":
            if self.folder is None:
                raise ValueError("data=images needs data.folder")
            return self
        for name in ("folder", "ink", "size", "test_fraction", "on_bad_image"):
            if getattr(self, name) != type(self).model_fields[name].default:
                raise ValueError(f"data.{name} goes with data=images")
        return self


class ModelConfig(Settings):
    """The network: recurrent layers that read one image row per step, a readout and a softmax."""

    cell: Cell = Field(default="lstm", description="kind of recurrent layer; Keras' own")
    order: Order = Field(
        default="rows",
        description="what a step reads: a row, a column, or both side by side (square images)",
    )

    units: int = Field(ge=1, le=2048, description="width of each recurrent layer")
    layers: int = Field(ge=1, le=8, description="recurrent layers, one above the other")
    bidirectional: bool = Field(description="read the rows upwards as well")
    dropout: float = Field(
        ge=0,
        lt=1,
        description="share of each layer's outputs dropped in training, alike in all steps",
    )
    return_sequences: bool = Field(description="keep the state after every row, not only the last")
    readout: Readout = Field(
        description="how states become one answer: last, or with return_sequences one of the others"
    )

    layer_norm: bool = Field(
        default=False, description="normalise each layer's outputs, step by step, before dropout"
    )

    @model_validator(mode="after")
    def _readout_goes_with_return_sequences(self) -> Self:
        if self.return_sequences and self.readout == "last":
            raise ValueError(
                "model.return_sequences=true needs model.readout="
                "each_step, mean, max, flatten or attention (got last)"
            )
        if not self.return_sequences and self.readout != "last":
            raise ValueError(f"model.readout={self.readout} needs model.return_sequences=true")
        return self


class Augmentation(Settings):
    """Random changes of the training images, drawn anew for every image in every epoch."""

    shift: float = Field(default=0, ge=0, le=64, description="pixels, at most, in each direction")
    rotation: float = Field(default=0, ge=0, le=180, description="degrees, at most, to each side")
    scale: float = Field(
        default=0, ge=0, lt=1, description="share by which width and height grow or shrink, at most"
    )
    shear: float = Field(default=0, ge=0, lt=90, description="degrees of slant, at most")

    @property
    def is_off(self) -> bool:
        """Whether images stay as they are."""
        return not any(self.model_dump().values())


class TrainingConfig(Settings):
    """How the network is trained."""

    epochs: int = Field(ge=1, le=100_000, description="passes over the training images")
    batch_size: int = Field(ge=1, le=65_536, description="images a step")
    learning_rate: float = Field(gt=0, le=100, description="the optimizer's, at the first step")
    optimizer: OptimizerName = Field(description="one of Keras' own")
    schedule: Literal["constant", "cosine"] = Field(
        description="of the learning rate; cosine: falls to zero at the last step"
    )
    warmup_epochs: float = Field(
        default=0, ge=0, le=100_000, description="the learning rate rises from zero meanwhile"
    )
    clip_norm: float | None = Field(gt=0, description="gradients longer than this are shortened")
    weight_decay: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="share of the weights, times the learning rate, taken off in each step; "
        "null: none, but 0.004 with adamw",
    )
    label_smoothing: float = Field(
        default=0, ge=0, lt=1, description="share of a label that is spread over all classes"
    )
    ema_momentum: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="validate and keep the moving average of the weights, of which each step "
        "keeps this share; null: the weights themselves",
    )
    augmentation: Augmentation = Augmentation()
    monitor: Objective = Field(description="the best epoch is best in this")


class Config(Settings):
    """Full config of one training; equal configs give bit-identical learning curves."""

    seed: int = Field(
        ge=0, le=2**32 - 1, description="initial weights, order of batches and dropout come from it"
    )
    data: DataConfig
    model: ModelConfig
    training: TrainingConfig


class WorkersConfig(Settings):
    """Worker processes that run the trainings: how many, where, and with which limits."""

    count: int | None = Field(
        ge=1, le=4096, description="local processes; null: one a core, at 1.5 GiB each"
    )
    scheduler: str | None = Field(
        pattern=r"^(tcp|tls)://", description="address of a running Dask scheduler; null: local"
    )
    unlike: Literal["leave_out", "allow"] = Field(
        default="leave_out",
        description="what becomes of a cluster's workers that compute otherwise than the others",
    )
    epoch_timeout: float = Field(
        gt=0, description="seconds without an epoch after which a worker is taken to hang"
    )
    memory_gib: float | None = Field(
        ge=1, description="of a process, where it is stopped; null: its share of the machine"
    )


class TrackingConfig(Settings):
    """Where results are kept."""

    folder: File = Field(
        min_length=1, description="databases and artifacts; relative to where you are"
    )
    system_metrics: bool = Field(
        default=False,
        description="log this machine's processor, memory, disk and network while it trains",
    )


class Range(Settings):
    """Search dimension: numbers from `low` to `high`, both included."""

    low: int | float
    high: int | float
    step: int | float | None = Field(default=None, gt=0)
    log: bool = False
    when: dict[str, Scalar] = {}

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.low > self.high:
            raise ValueError(f"low must not be above high (got {self.low} and {self.high})")
        if self.log and self.low <= 0:
            raise ValueError(f"log needs low above 0 (got {self.low})")
        if self.log and self.step is not None:
            raise ValueError(
                "log and step exclude each other: add log=false where the default has log=true"
            )
        return self

    def spread(self, count: int = 4) -> list[int | float]:
        """Values evenly spread from `low` to `high`, at most `count`; between them round ones."""
        # Four by default, as analyses compare them: enough to see a bend.
        shares = [n / (count - 1) for n in range(1, count - 1)]
        if self.log:
            between = [self.low * (self.high / self.low) ** share for share in shares]
        else:
            between = [self.low + share * (self.high - self.low) for share in shares]
        high: int | float = self.high
        if self.step is not None:
            step = self.step
            between = [self.low + round((value - self.low) / step) * step for value in between]
            high = self.low + int((self.high - self.low) / step + 1e-9) * step
        elif isinstance(self.low, int) and isinstance(self.high, int):
            between = [round(value) for value in between]
        else:
            between = [float(f"{value:.2g}") for value in between]
        return list(dict.fromkeys([self.low, *between, high]))


class Choices(Settings):
    """Search dimension: one value out of a list."""

    choices: list[Scalar] = Field(min_length=1)
    when: dict[str, Scalar] = {}


def _kind(dimension: Any) -> str:
    named = (
        "choices" in dimension if isinstance(dimension, Mapping) else hasattr(dimension, "choices")
    )
    return "choices" if named else "range"


Dimension: TypeAlias = Annotated[
    Annotated[Range, Tag("range")] | Annotated[Choices, Tag("choices")], Discriminator(_kind)
]


def flatten(nested: Mapping[str, Any], leaf_keys: Set[str] = frozenset()) -> dict[str, Any]:
    """Flatten a nested mapping to dotted paths; mappings with a key in `leaf_keys` stay whole."""
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        if isinstance(value, Mapping) and not leaf_keys & value.keys():
            flat |= {f"{key}.{path}": leaf for path, leaf in flatten(value, leaf_keys).items()}
        else:
            flat[key] = value
    return flat


class Limits(Settings):
    """What a trial must keep to; one that does not is infeasible, and never the best."""

    parameters: int | None = Field(
        default=None,
        ge=1,
        description="trained parameters of a network; a larger one is not trained; null: any",
    )
    seconds_per_epoch: float | None = Field(
        default=None,
        gt=0,
        description="of the first epoch, without compiling; a slower trial ends there; null: any",
    )


def _typed(value: Any) -> str:
    """A text or a list of texts as it is typed."""
    return str(value).replace("'", "")


class SearchConfig(Settings):
    """What is searched, how, and for how long."""

    space: Annotated[
        dict[str, Dimension],
        BeforeValidator(
            lambda value: (
                flatten(value, {"low", "high", "choices"}) if isinstance(value, Mapping) else value
            )
        ),
    ] = Field(min_length=1, description="config paths and their ranges")
    baselines: list[dict[str, Scalar]] = Field(
        description="tried first; the first is the yardstick"
    )
    trials: int | None = Field(
        ge=1,
        le=1_000_000,
        description="how many the study shall have; auto: until more promise less than the noise",
    )
    most_trials: int = Field(
        default=100, ge=1, le=1_000_000, description="with trials=auto: how many at most"
    )
    timeout: float | None = Field(gt=0, description="seconds after which no trial is started")
    objective: Objective | list[Objective | Cost] = Field(
        description="validation_accuracy is maximised, loss minimised; in a list with parameters, "
        "seconds (of the first epoch) or both, which are minimised: the Pareto front is searched"
    )
    sampler: Literal["gp", "tpe", "random", "qmc", "grid"] = Field(
        description="who suggests the next trial; gp: a Gaussian process, TPE after 100 trials"
    )
    pruner: Literal["hyperband", "successive_halving", "median", "none"] = Field(
        description="who gives up trials that fall behind"
    )
    seed: int = Field(ge=0, le=2**32 - 1, description="the sampler's")
    retries: int = Field(ge=0, le=100, description="how many deaths of its worker a trial outlives")
    max_failures: int = Field(
        ge=1, description="the search stops if so many trials fail alike before any succeeds"
    )
    limits: Limits = Limits()
    start_from: Name | None = Field(
        default=None,
        description="an earlier study: its best three trials are tried first, after the baselines",
    )

    @field_validator("objective", mode="before")
    @classmethod
    def _aims_are_a_metric_and_costs(cls, value: Any) -> Any:
        metric, *costs = value if isinstance(value, list) and len(value) > 1 else [value]
        allowed = get_args(Cost)
        if metric not in get_args(Objective) or any(
            cost not in allowed or costs.count(cost) > 1 for cost in costs
        ):
            raise ValueError(
                "must be validation_accuracy or validation_loss, or a list of one of them and then "
                "parameters, seconds or both, as in [validation_accuracy,parameters] "
                f"(got {_typed(value)})"
            )
        return value

    @field_validator("trials", mode="before")
    @classmethod
    def _auto_is_none(cls, value: Any) -> Any:
        if isinstance(value, str) and value != "auto":
            raise ValueError(f"must be auto or a whole number (got {value!r})")
        return None if value == "auto" else value

    @model_validator(mode="after")
    def _auto_needs_a_model(self) -> Self:
        if self.trials is None and self.sampler not in ("gp", "tpe"):
            raise ValueError(
                "search.trials=auto needs search.sampler=gp or tpe, which aim at a gain "
                f"(got {self.sampler})"
            )
        if self.trials is None and self.objective != "validation_accuracy":
            raise ValueError(
                "search.trials=auto needs search.objective=validation_accuracy, whose noise is "
                f"known (got {_typed(self.objective)})"
            )
        return self

    @property
    def metric(self) -> Objective:
        """The first aim: what the best trial is best in."""
        first = self.objective[0] if isinstance(self.objective, list) else self.objective
        return cast("Objective", first)

    @property
    def costs(self) -> tuple[Cost, ...]:
        """The other aims, which are minimised; empty for a search with one aim."""
        others = self.objective[1:] if isinstance(self.objective, list) else ()
        return cast("tuple[Cost, ...]", tuple(others))

    @property
    def is_auto(self) -> bool:
        """Whether the search ends by itself."""
        return self.trials is None

    @property
    def target(self) -> int:
        """How many trials the study shall have; at most, where the search ends by itself."""
        return self.most_trials if self.trials is None else self.trials


def value_at(config: Config, path: str) -> Scalar:
    """Value of a setting, by its path."""
    value: Any = config
    for name in path.split("."):
        value = getattr(value, name)
    return value  # type: ignore[no-any-return]  # a leaf is a scalar


def scalar_text(value: Scalar, digits: int | None = None) -> str:
    """Format a setting's value as in YAML: ``true``, ``null``, ``0.00214``.

    Parameters
    ----------
    value : scalar
        A setting's value.
    digits : int, optional
        Significant digits of a float; all of them if not given.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and digits is not None:
        is_whole = value.is_integer() and abs(value) < 1e7
        return str(int(value)) if is_whole else f"{value:.{digits}g}"
    return str(value)


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


class ChosenRun(Settings):
    """Selects an earlier run: by study and trial number, or by MLflow run id."""

    study: Name | None = Field(description="null: the latest")
    trial: int | None = Field(ge=0, description="null: the best")
    run: str | None = Field(pattern="^[0-9a-f]{32}$", description="an MLflow run id, instead")


class ChosenNetwork(ChosenRun):
    """Selects the network of an earlier run, or one by its name in MLflow's registry."""

    champion: Name | None = Field(
        default=None, description="a name in MLflow's registry, instead: its champion"
    )

    @field_validator("champion")
    @classmethod
    def _name_goes_alone(cls, name: str | None, info: ValidationInfo) -> str | None:
        for other in ("study", "trial", "run"):
            if name is not None and (chosen := info.data.get(other)) is not None:
                raise ValueError(
                    f"means a registered network, so not together with {other}={chosen}"
                )
        return name


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
    model: Values = Field(default={}, description="settings to change, as in model.units=96")
    training: Values = Field(default={}, description="settings to change, as in training.epochs=30")
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
        changes: Values = flatten({"model": self.model, "training": self.training})
        return changes if self.seed is None else {**changes, "seed": self.seed}

    @field_validator("top")
    @classmethod
    def _top_goes_alone(cls, top: int | None, info: ValidationInfo) -> int | None:
        for name in ("trial", "run"):
            if top is not None and (chosen := info.data.get(name)) is not None:
                raise ValueError(f"means the best trials, so not together with {name}={chosen}")
        return top

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


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


class SensitivityConfig(ChosenRun):
    """Settings of ``python -m experiments.sensitivity``."""

    data: DataFiles = DataFiles()
    seeds: int = Field(ge=2, le=1000, description="trainings of each config, with fresh seeds")
    values: Annotated[
        dict[str, Annotated[list[Scalar], Field(min_length=1), BeforeValidator(_as_list)]],
        BeforeValidator(lambda value: flatten(value) if isinstance(value, Mapping) else value),
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
