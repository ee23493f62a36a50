"""The paper to draw on, an element of the page, and the strokes that a browser says were drawn."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, TypeAlias

from nicegui.element import Element
from nicegui.events import GenericEventArguments
from pydantic import Field, TypeAdapter, ValidationError

from mnist_seq.data.images.strokes import PEN_WIDTH, Stroke

MOST_STROKES, MOST_PLACES = 500, 10_000  # of a stroke; more are no character

_Share: TypeAlias = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
_Stroke: TypeAlias = Annotated[
    list[tuple[_Share, _Share]], Field(min_length=1, max_length=MOST_PLACES)
]
_STROKES: TypeAdapter[list[list[tuple[float, float]]]] = TypeAdapter(
    Annotated[list[_Stroke], Field(max_length=MOST_STROKES)]
)


def strokes_of(told: Any) -> Sequence[Stroke] | None:
    """Parse strokes received from the browser; None if the data are anything else."""
    try:
        return _STROKES.validate_python(told)
    except ValidationError:
        return None


class Pad(Element, component="pad.js"):
    """A square of white paper to draw on, which reports all its strokes after each new one.

    Parameters
    ----------
    on_drawn : callable
        Given the strokes, none when the paper is empty again.
    """

    def __init__(self, on_drawn: Callable[[Sequence[Stroke]], Awaitable[None]]) -> None:
        super().__init__()
        self.props["pen"] = PEN_WIDTH
        self.props["label"] = "paper to draw a character on"

        async def tell(event: GenericEventArguments) -> None:
            strokes = strokes_of(event.args)
            if strokes is not None:
                await on_drawn(strokes)

        self.on("drawn", tell)

    def undo(self) -> None:
        """Take the last stroke away."""
        self.run_method("undo")

    def erase(self) -> None:
        """Take all strokes away."""
        self.run_method("erase")
