"""The page: paper on the left, on the right what the network believes after each row.

Shapes: S rows, K classes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from nicegui import run, ui

from mnist_seq.data.images.strokes import Stroke
from mnist_seq.drawing.pad import Pad
from mnist_seq.drawing.read_drawing import ReadDrawing
from mnist_seq.report.figures.image_address import image_address

TITLE = "Draw a character"
STYLE = Path(__file__).with_name("page.css")
SECONDS_PER_ROW = 0.05
WIDEST_NAME = 10  # letters; of a longer one its beginning is shown
ONE_COLUMN = 12  # as many classes are listed below each other; more are in columns


@dataclass(frozen=True)
class Subject:
    """The network that reads what is drawn.

    Attributes
    ----------
    name : str
        Its study's and its run's.
    read : callable
        Reads strokes, in any thread; None if they leave nothing to read.
    """

    name: str
    class_names: Sequence[str]
    rows: int
    read: Callable[[Sequence[Stroke]], ReadDrawing | None]


def build(subject: Subject) -> None:
    """Put the page together, for one browser that has asked for it."""
    ui.add_css(STYLE)
    newest: Sequence[Stroke] = ()

    async def drawn(strokes: Sequence[Stroke]) -> None:
        nonlocal newest
        newest = strokes
        read = await run.io_bound(subject.read, strokes)
        if newest is strokes:  # else there is another stroke already, and its answer will come
            view.show(read)

    with ui.element("div").props("id=draw"):
        with ui.element("header"):
            ui.label(TITLE).props("role=heading aria-level=1")
            ui.label(subject.name).classes("muted")
        with ui.element("section").classes("paper"):
            pad = Pad(drawn)
            with ui.element("div").classes("buttons"):
                ui.button("Undo", on_click=pad.undo).props("outline no-caps")
                ui.button("Clear", on_click=pad.erase).props("outline no-caps")
        with ui.element("section").classes("reading"):
            view = _View(subject)


class _View:
    """What is shown of a drawing once it has been read, up to and including one of its rows."""

    def __init__(self, subject: Subject) -> None:
        self._names, self._rows = subject.class_names, subject.rows
        self._read: ReadDrawing | None = None
        colours = _colours(len(self._names))
        with ui.element("div").classes("seen"):
            with ui.element("figure"):
                self._image = ui.interactive_image(size=(self._rows, self._rows)).classes("image")
                ui.label("as the network sees it").classes("muted")
            with ui.element("div").classes("answer"):
                self._answer = ui.label().classes("best")
                self._share = ui.label().classes("muted")
        with ui.element("div").classes("controls"):
            self._play = ui.button(icon="play_arrow", on_click=self._start_or_pause)
            self._play.props('round flat aria-label="play row by row"')
            self._slider = ui.slider(min=1, max=self._rows, value=self._rows)
            self._slider.on_value_change(self._show_row)
            self._slider.props('aria-label="rows read"')
            self._row = ui.label().classes("row-read muted")
        self._chart = ui.echart(_chart(self._names, self._rows, colours)).classes("chart")
        columns = "bars" if len(self._names) <= ONE_COLUMN else "bars many"
        widest = min(max(map(len, self._names)), WIDEST_NAME)
        with ui.element("div").classes(columns).style(f"--name: {1.1 * widest:.1f}ch"):
            self._bars = [_Bar(*each) for each in zip(self._names, colours, strict=True)]
        self._clock = ui.timer(SECONDS_PER_ROW, self._go_on, active=False, immediate=False)
        self.show(None)

    def show(self, read: ReadDrawing | None) -> None:
        """Show a drawing from its first row on, or an empty page if there is None."""
        self._read = read
        self._image.set_source("" if read is None else image_address(read.image_SF))
        beliefs_KS = np.zeros((len(self._names), 0)) if read is None else read.beliefs_SK.T
        for series, beliefs_S in zip(self._chart.options["series"], beliefs_KS, strict=True):
            series["data"] = [round(float(belief), 4) for belief in beliefs_S]
        self._chart.update()
        for control in (self._play, self._slider):
            control.set_enabled(read is not None)
        self._start() if read is not None else self._pause()
        self._show_row()

    def _start_or_pause(self) -> None:
        self._pause() if self._clock.active else self._start()

    def _start(self) -> None:
        self._slider.set_value(1)
        self._clock.activate()
        self._play.set_icon("pause")

    def _pause(self) -> None:
        self._clock.deactivate()
        self._play.set_icon("play_arrow")

    def _go_on(self) -> None:
        row = int(self._slider.value or 1)
        if row < self._rows:
            self._slider.set_value(row + 1)
        if row + 1 >= self._rows:
            self._pause()

    def _show_row(self) -> None:
        read, row = self._read, int(self._slider.value or 1)
        if read is None:
            self._image.set_content("")
            for label in (self._answer, self._share, self._row):
                label.set_text("")
            for bar in self._bars:
                bar.show(None)
        else:
            beliefs_K = read.beliefs_SK[row - 1]
            best = int(beliefs_K.argmax())
            self._image.set_content(_unread(row, self._rows))
            self._answer.set_text(self._names[best])
            self._share.set_text(f"{100 * beliefs_K[best]:.1f} %")
            self._row.set_text(f"row {row} of {self._rows}")
            for bar, belief in zip(self._bars, beliefs_K, strict=True):
                bar.show(float(belief))
        line = {"series": [{"markLine": _line(None if read is None else row)}]}
        self._chart.run_chart_method("setOption", line)


class _Bar:
    """A class with its probability."""

    def __init__(self, name: str, colour: str) -> None:
        with ui.element("div").classes("bar"):
            label = ui.label(name).classes("name")
            label.props["title"] = name
            self._bar = ui.linear_progress(show_value=False, size="10px", color=colour)
            self._bar.props("rounded instant-feedback")
            self._bar.props["aria-label"] = name
            self._share = ui.label().classes("share muted")

    def show(self, belief: float | None) -> None:
        """Show a probability, or that there is none."""
        self._bar.set_value(round(belief or 0, 3))
        self._share.set_text("" if belief is None else f"{100 * belief:.1f}")


def _unread(row: int, rows: int) -> str:
    """SVG over the image: a line below the row just read, and a veil over the rows after it."""
    return (
        f'<rect x="0" y="{row}" width="{rows}" height="{rows - row}" fill="#888" opacity="0.35"/>'
        f'<rect x="0" y="{row - 0.12}" width="{rows}" height="0.24" fill="#e4572e"/>'
    )


def _colours(classes: int) -> list[str]:
    """One colour for each class, distinct from its neighbours' colours."""
    step = next(
        step
        for step in range(max(1, round(0.38 * classes)), classes + 1)
        if np.gcd(step, classes) == 1
    )
    hues = [360 * (step * k % classes) / classes for k in range(classes)]
    return [f"hsl({hue:.0f}, 50%, {56 if k % 2 else 48}%)" for k, hue in enumerate(hues)]


def _chart(names: Sequence[str], rows: int, colours: Sequence[str]) -> dict[str, object]:
    """Options of the chart: the probabilities of all classes over the rows, upon each other.

    It has no tooltips: those are HTML, in which a class's name would be markup.
    """
    text = {"color": "#808080"}
    return {
        "animation": False,
        "grid": {"left": 44, "right": 14, "top": 12, "bottom": 40},
        "xAxis": {
            "type": "category",
            "data": [*range(1, rows + 1)],
            "boundaryGap": False,
            "name": "rows read",
            "nameLocation": "middle",
            "nameGap": 26,
            "nameTextStyle": text,
            "axisLabel": text,
        },
        "yAxis": {
            "min": 0,
            "max": 1,
            "interval": 0.5,
            "axisLabel": {**text, ":formatter": "(share) => `${100 * share} %`"},
            "splitLine": {"show": False},
        },
        "series": [
            {
                "name": name,
                "type": "line",
                "stack": "all",
                "symbol": "none",
                "silent": True,
                "lineStyle": {"width": 0},
                "areaStyle": {"opacity": 1},
                "color": colour,
                "data": [],
            }
            for name, colour in zip(names, colours, strict=True)
        ],
    }


def _line(row: int | None) -> dict[str, object]:
    return {
        "silent": True,
        "symbol": "none",
        "label": {"show": False},
        "lineStyle": {"color": "#e4572e", "width": 2, "type": "solid"},
        "data": [] if row is None else [{"xAxis": row - 1}],
    }
