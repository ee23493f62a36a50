"""Images that two networks answer differently, each with its class and both answers."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from mnist_seq.report.figures.style import Panel, paper, svg
from mnist_seq.report.inside.maps import GREYS, heat_map
from mnist_seq.report.inside.pair import Pair

SIDE = 120


@dataclass(frozen=True)
class Answer:
    """One network's answer to an image: who gives it, the class's name, whether it is right."""

    network: str
    name: str
    is_right: bool


@dataclass(frozen=True)
class Exhibit:
    """An image with its true class and both networks' answers.

    Attributes
    ----------
    place : int
        Which of the images.
    """

    place: int
    picture: Markup
    shows: str
    answers: tuple[Answer, Answer]

    @property
    def panel(self) -> Panel:
        """The picture alone."""
        return Panel(f"image {self.place}", self.picture)


def gallery(pair: Pair, places: Sequence[int]) -> list[Exhibit]:
    """The images at the given places, with what they show and what both networks answer."""
    return [_exhibit(pair, place) for place in places]


def _exhibit(pair: Pair, place: int) -> Exhibit:
    names, label = pair.a.class_names, int(pair.a.labels_N[place])
    a, b = (
        Answer(network, names[reading.predicted[place]], bool(reading.predicted[place] == label))
        for network, reading in (("A", pair.a), ("B", pair.b))
    )
    with paper(SIDE, SIDE) as figure:
        axes = figure.subplots()
        heat_map(axes, pair.a.images_NSF[place], GREYS, 0, 255)
        axes.set(xticks=[], yticks=[])
        picture = svg(figure, f"disputed-{place}")
    return Exhibit(place, picture, names[label], (a, b))
