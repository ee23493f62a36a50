"""A trained network of an earlier run, to be asked and looked at from Python.

Shapes: N images, S steps (rows), F features (pixels of a row), K classes.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from mnist_seq.config.settings import Config
from mnist_seq.config.validation import validate
from mnist_seq.data.images.folder import list_files
from mnist_seq.data.images.form import Ink
from mnist_seq.data.images.reading import form_files
from mnist_seq.data.pixel_format import WHITEST, Pixels
from mnist_seq.driver.character_reader import side_of
from mnist_seq.driver.workspace import Workspace
from mnist_seq.errors import DataError
from mnist_seq.network.inspection import (
    images_of,
    load_network,
    probabilities,
    probabilities_after_each_row,
)
from mnist_seq.report.analysis.tables import curves_table
from mnist_seq.terminal.progress import settings_text
from mnist_seq.tracking.model_folder import ModelFacts
from mnist_seq.tracking.results import StoredRun


class Prediction(NamedTuple):
    """What a network says of images.

    Attributes
    ----------
    labels : array of text, shape (N,)
        The class with the highest probability.
    probabilities : float32, shape (N, K)
        Of each class, in the order of `TrainedRun.class_names`.
    """

    labels: NDArray[np.str_]
    probabilities: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class TrainedRun:
    """A run of MLflow with its config, its learning curve and its network.

    Attributes
    ----------
    workspace : Workspace
        The tracking folder that it is in.
    run : StoredRun
        As MLflow has it: parameters, metrics, tags, times.
    """

    workspace: Workspace
    run: StoredRun

    @property
    def run_id(self) -> str:
        """MLflow's id of the run."""
        return self.run.id

    @property
    def name(self) -> str:
        """The run's name in MLflow."""
        return self.run.name

    @cached_property
    def config(self) -> Config:
        """All settings of the training: ``best.config.model.units``."""
        return validate(Config, self.workspace.results.config(self.run.id))

    @property
    def value(self) -> float:
        """Accuracy or loss on the validation images, whichever the study was searched for.

        Of the best epoch. NaN where no epoch was finished.
        """
        experiment = self.workspace.results.experiment_of(self.run)
        objective = self.workspace.objective(experiment)
        return self.run.metrics.get(f"best_{objective}", float("nan"))

    @property
    def curve(self) -> pd.DataFrame:
        """One row an epoch: loss and accuracy on the training and validation images."""
        records = self.workspace.results.curve(self.run.id)
        return curves_table([{"trial": self.run.number, **asdict(each)} for each in records])

    @property
    def class_names(self) -> tuple[str, ...]:
        """The name of each class, in the order of the probabilities."""
        return self._facts.class_names

    @cached_property
    def model(self) -> Any:
        """The network as a ``keras.Model``: raw pixels in, probabilities out.

        Raises
        ------
        TrackingError
            If the run has no network, or its file is not one of this config.
        """
        file = self.workspace.results.model_file(self.run.id)
        return load_network(file, self.config.model, self._facts.shape, len(self.class_names))

    def predict(self, images: ArrayLike) -> Prediction:
        """Say what images are: raw pixels in, labels and probabilities out.

        Parameters
        ----------
        images : array_like, shape (N, S, F) or (S, F)
            Grey values as in the data that the network was trained on: for MNIST 0 (paper) to 255.

        Raises
        ------
        DataError
            If these are not images of the size that the network reads.
        """
        pixels_NSF = self._pixels(np.asarray(images))
        probabilities_NK = np.asarray(self.model.predict(pixels_NSF, verbose=0), np.float32)
        return self._prediction(probabilities_NK)

    def predict_files(self, files: Sequence[str | Path], ink: Ink = "auto") -> Prediction:
        """Say what image files of one character each show, in their order.

        Each is brought into MNIST's form, which is what the network should have been trained on.

        Parameters
        ----------
        files : sequence of str or Path
            PNG, JPEG, TIFF, BMP or WebP files, or folders of such.
        ink : str
            ``dark`` or ``light`` on the paper; ``auto``: found out image by image.

        Raises
        ------
        DataError
            If one is no usable image.
        TrackingError
            If the network reads no square images.
        """
        paths_N = list_files([str(file) for file in files])
        if not paths_N:
            raise DataError("files: must name at least one image")
        size = side_of(self._facts, self.name)
        formed_N = form_files(paths_N, size, ink)
        for path, formed in zip(paths_N, formed_N, strict=True):
            if formed.image_SF is None:
                raise DataError(f"{path}: {formed.problem}")
        images_NSF = np.array([formed.image_SF for formed in formed_N])
        return self._prediction(probabilities(self.model, images_NSF))

    def predict_rows(self, images: ArrayLike) -> NDArray[np.float32]:
        """Return the class probabilities after each image row, shape (N, S, K).

        Images and errors are those of `predict`; after the last row it says the same.
        """
        images_NSF = images_of(self.model, self._pixels(np.asarray(images)))
        return probabilities_after_each_row(self.model, self.config.model.readout, images_NSF)

    def _prediction(self, probabilities_NK: NDArray[np.float32]) -> Prediction:
        names_K = np.asarray(self.class_names)
        return Prediction(names_K[probabilities_NK.argmax(axis=1)], probabilities_NK)

    def _pixels(self, images: NDArray[Any]) -> Pixels:
        """Check that images have the network's shape and values; return them as it takes them."""
        shape, dtype = self._facts.shape, self._facts.dtype
        grey = images[..., 0] if images.shape[-3:] == (*shape, 1) else images
        images_NSF = grey[np.newaxis] if grey.ndim == 2 else grey
        if images_NSF.shape[1:] != shape or not len(images_NSF) or images.dtype.kind not in "uifb":
            raise DataError(
                f"images: must be numbers of the shape (images, {shape[0]}, {shape[1]}), at least "
                f"one image (got {images.dtype} of the shape {images.shape})"
            )
        is_cast = dtype == np.uint8 and images.dtype != np.uint8
        if is_cast and not np.isin(images_NSF, np.arange(WHITEST + 1)).all():
            raise DataError(
                "images: must be whole grey values from 0 to 255, as those it was trained on "
                f"(got {images.dtype} from {images.min():g} to {images.max():g})"
            )
        return images_NSF.astype(dtype, copy=False)

    @cached_property
    def _facts(self) -> ModelFacts:
        return self.workspace.results.model_facts(self.run.id)

    def __repr__(self) -> str:
        return f"{self.name}: {self._value_text()}, {settings_text(self.run.params)}"

    def _value_text(self) -> str:
        accuracy = self.run.metrics.get("best_validation_accuracy")
        return "no epoch finished" if accuracy is None else f"validation {100 * accuracy:.2f} %"
