"""Pydantic models of all settings: names, types, allowed ranges and descriptions.

A setting's place here is its path everywhere: ``model.units`` in YAML, on the command line, in a
search space and as an MLflow parameter. Defaults live in ``conf/``; ranges and meanings live here.
"""

import os
import re
from collections.abc import Mapping, Set
from typing import Annotated, Any, ClassVar, Literal, Self, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from mnist_seq.addresses.servers import server_address

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
TrainOn: TypeAlias = Literal["train", "train+validation"]
File: TypeAlias = Annotated[str, AfterValidator(os.path.expanduser)]  # ~/a.csv is known
Name: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]


class Settings(BaseModel):
    """Base class of all settings models: strictly typed, frozen, unknown keys forbidden."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
    positional: ClassVar[str | None] = None  # the setting that a word without = is for


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
    train_on: TrainOn = Field(
        default="train",
        description="train+validation: what is held out is trained on as well, and chooses nothing",
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
    elastic: float = Field(
        default=0,
        ge=0,
        le=64,
        description="pixels by which parts of strokes move, neighbours alike: standard deviation",
    )

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


class Certificates(Settings):
    """Files in PEM format by which the machines of a cluster know each other, for ``tls://``."""

    ca_file: File | None = Field(
        default=None, min_length=1, description="tls://: the authority that signed all certificates"
    )
    cert_file: File | None = Field(
        default=None, min_length=1, description="tls://: the certificate of this machine"
    )
    key_file: File | None = Field(
        default=None, min_length=1, description="tls://: its key; null: it is in cert_file"
    )

    @field_validator("cert_file", "key_file")
    @classmethod
    def _go_together(cls, file: str | None, info: ValidationInfo) -> str | None:
        needed = {"cert_file": "ca_file", "key_file": "cert_file"}[str(info.field_name)]
        if file is not None and needed in info.data and info.data[needed] is None:
            raise ValueError(f"goes with {needed}")
        if file is None and info.field_name == "cert_file" and info.data.get("ca_file") is not None:
            raise ValueError("is needed with ca_file")
        return file


def _as_scheduler(address: str) -> str:
    if not re.fullmatch(r"(tcp|tls)://([^/:\s]+|\[[0-9a-fA-F:.]+\]):[0-9]{1,5}", address):
        raise ValueError(
            f"must be an address as tcp://host:8786 or tls://host:8786 (got {address!r})"
        )
    return address


SchedulerAddress: TypeAlias = Annotated[str, AfterValidator(_as_scheduler)]


class WorkersConfig(Certificates):
    """Worker processes that run the trainings: how many, where, and with which limits."""

    count: int | None = Field(
        ge=1, le=4096, description="local processes; null: one a core, at 1.5 GiB each"
    )
    scheduler: SchedulerAddress | None = Field(
        description="address of a running Dask scheduler; null: local"
    )
    connect_timeout: float = Field(
        default=30, gt=0, le=3600, description="seconds in which the scheduler must answer"
    )
    unlike: Literal["leave_out", "allow"] = Field(
        default="leave_out",
        description="what becomes of a cluster's workers that compute otherwise than the others",
    )
    epoch_timeout: float = Field(
        gt=0, description="seconds without an epoch after which a worker is taken to hang"
    )
    memory_gib: float | None = Field(
        ge=1, description="of a local process, where it is stopped; null: its share of the machine"
    )


class TrackingConfig(Settings):
    """Where results are kept."""

    folder: File = Field(
        min_length=1, description="databases and artifacts; relative to where you are"
    )
    uri: Annotated[str, AfterValidator(server_address)] | None = Field(
        default=None,
        description="an MLflow server's http(s) address, where runs and their files go instead; "
        "user and password from MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD",
    )
    system_metrics: bool = Field(
        default=False,
        description="log this machine's processor, memory, disk and network while it trains",
    )


def flatten(nested: Mapping[str, Any], leaf_keys: Set[str] = frozenset()) -> dict[str, Any]:
    """Flatten a nested mapping to dotted paths; mappings with a key in `leaf_keys` stay whole."""
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        if isinstance(value, Mapping) and not leaf_keys & value.keys():
            flat |= {f"{key}.{path}": leaf for path, leaf in flatten(value, leaf_keys).items()}
        else:
            flat[key] = value
    return flat


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
