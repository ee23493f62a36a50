"""Which network and images a page is about, in words."""

from collections.abc import Mapping
from dataclasses import dataclass

from mnist_seq.config.settings import Scalar


@dataclass(frozen=True)
class Subject:
    """Texts that say which network and images a page is about and how it was made.

    Attributes
    ----------
    network : str
        The study and the run.
    part : str
        Which images: validation or test.
    how : str
        How an answer comes about after some of the rows.
    command : str
        What makes the page again.
    settings : mapping
        The network's, by their config path.
    """

    network: str
    part: str
    how: str
    command: str
    settings: Mapping[str, Scalar]
