"""A trained network of an earlier run that reads characters in MNIST's form."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnist_seq.config.commands import ChosenNetwork
from mnist_seq.config.settings import Config
from mnist_seq.config.validation import validate
from mnist_seq.driver.workspace import Workspace
from mnist_seq.errors import TrackingError, in_one_line
from mnist_seq.network.inspection import BATCH_SIZE, load_network, probabilities
from mnist_seq.report.analysis import wording
from mnist_seq.report.characters.answers import NOT_SURE, Answer, answers
from mnist_seq.terminal.display import say
from mnist_seq.tracking.model_folder import ModelFacts
from mnist_seq.tracking.results import Experiment, StoredRun

IN_THE_FORM = {"mnist", "images"}


@dataclass(frozen=True)
class CharacterReader:
    """A run whose network reads characters; the network is loaded when it first reads.

    Attributes
    ----------
    facts : ModelFacts
        Of its network.
    config : Config
        Of its training.
    size : int
        Rows, and pixels of a row, of the images that it reads.
    """

    workspace: Workspace
    experiment: Experiment
    run: StoredRun
    facts: ModelFacts
    config: Config
    size: int

    @property
    def class_names(self) -> tuple[str, ...]:
        return tuple(map(in_one_line, self.facts.class_names))

    def say_what_it_is(self) -> None:
        """Print which network reads, and what may keep it from reading well."""
        side = f"{self.size}\N{MULTIPLICATION SIGN}{self.size}"
        say(f"{self.experiment.name}, {self.run.name}: reads images of {side} pixels")
        source = self.config.data.source
        if source not in IN_THE_FORM:
            say(
                f"it was trained on data={source}: unless those images are in MNIST's form, as "
                "what it reads here will be, it errs more often",
                style="yellow",
            )

    def read(self, images_NSF: NDArray[np.uint8], confidence: float) -> Sequence[Answer]:
        """What the network says of images in MNIST's form, each of `size`; 255 is full ink.

        Raises
        ------
        TrackingError
            If its file is not the network of its run.
        """
        file = self.workspace.results.model_file(self.run.id)
        names = self.class_names
        network = load_network(file, self.config.model, self.facts.shape, len(names))
        probabilities_NK = probabilities(network, images_NSF, BATCH_SIZE)
        return answers(probabilities_NK, names, confidence)


def say_unsure(read: Sequence[Answer], confidence: float) -> None:
    """Print how many characters are marked as unsure; print nothing if none is."""
    unsure = sum(not answer.is_sure for answer in read)
    if unsure:
        say(
            f"{unsure:,} of {len(read):,} marked with {NOT_SURE}: no class is as probable as "
            f"confidence={confidence:g}"
        )


def side_of(facts: ModelFacts, name: str) -> int:
    """Side length, in pixels, of the square images that a network reads.

    Raises
    ------
    TrackingError
        If they are not square.
    """
    rows, pixels = facts.shape
    if rows != pixels:
        raise TrackingError(
            f"{name}: reads images of {wording.many(rows, 'row')} of "
            f"{wording.many(pixels, 'pixel')}; characters are brought into squares, so its images "
            "must be square"
        )
    return rows


def find_reader(workspace: Workspace, choice: ChosenNetwork) -> CharacterReader:
    """The chosen network, by default of the latest study's best trial, to read characters with.

    Raises
    ------
    TrackingError
        If it is not there, has no network, or reads no square images.
    """
    experiment, run = workspace.find_network(choice)
    facts = workspace.results.model_facts(run.id)
    size = side_of(facts, f"{experiment.name}, {run.name}")
    config = validate(Config, workspace.results.config(run.id))
    return CharacterReader(workspace, experiment, run, facts, config, size)
