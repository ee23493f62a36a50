"""Animated GIF of images read row by row, with the class probabilities after each row."""

import io
import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from mnist_seq.report.analysis import wording
from mnist_seq.report.figures.fonts import families
from mnist_seq.report.figures.style import ACCENT, BEST, INK, MUTED, RULE, paper
from mnist_seq.report.inside.reading import Reading
from mnist_seq.report.inside.single_image import leading

BELIEVED = "#b9c7d3"  # a bar that is not the answer
COLUMNS = 2  # a phone shows no more
STEP, END = 260, 2600  # milliseconds that a row, and the last one, stay
DOTS = 120  # an inch


def reading_gif(reading: Reading, places: Sequence[int]) -> bytes:
    """Render a GIF with one frame per row: unread rows are pale, bars show probabilities.

    `places` says which of the images, at least one.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    columns = min(COLUMNS, len(places))
    lines = math.ceil(len(places) / columns)
    frames = []
    fonts = {"font.family": ["sans-serif", *families(reading.class_names)]}
    with (
        paper(108 * lines + 30, 195 * columns) as figure,
        mpl.rc_context(fonts),
        warnings.catch_warnings(),
    ):
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        figure.set_dpi(DOTS)
        canvas = FigureCanvasAgg(figure)
        grid = figure.subplots(lines, 2 * columns, squeeze=False, width_ratios=[1.1, 1] * columns)
        pairs = grid.reshape(-1, 2)
        for axes in pairs[len(places) :].flat:
            axes.set_axis_off()
        scenes = [_Scene(pair, reading, place) for pair, place in zip(pairs, places, strict=False)]
        for row in range(reading.rows):
            figure.suptitle(f"after row {row + 1} of {reading.rows}", fontsize=10, color=MUTED)
            for scene in scenes:
                scene.show(row)
            canvas.draw()
            frames.append(Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB"))
    # One palette for all frames: colours that differ between frames would flicker.
    palette = Image.new("P", (1, 1))
    palette.putpalette(_palette())
    first, *rest = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    file = io.BytesIO()
    stay = [STEP] * (reading.rows - 1) + [END]
    first.save(file, "GIF", save_all=True, append_images=rest, duration=stay, loop=0)
    return file.getvalue()


def _palette() -> list[int]:
    """The GIF palette as flat RGB levels: greys, then lighter tints of the three colours."""
    from matplotlib.colors import to_rgb

    # Pillow looks colours up in steps of 4: with any as close to white, white would not be white.
    greys = np.repeat(np.linspace(0, 1, 32)[:, None], 3, axis=1)
    paler = np.linspace(0, 0.8, 9)[:, None]
    hues = [paler + (1 - paler) * np.array(to_rgb(hue)) for hue in (ACCENT, BEST, BELIEVED)]
    return [int(level) for level in np.rint(255 * np.concatenate([greys, *hues])).flat]


class _Scene:
    """One image and the bar chart of its class probabilities, updated row by row."""

    def __init__(self, pair: Any, reading: Reading, place: int) -> None:
        image, bars = pair
        self._beliefs_SK, self._label = reading.beliefs_NSK[place], int(reading.labels_N[place])
        self._pixels = reading.images_NSF[place]
        self._shown = leading(self._beliefs_SK, self._label)
        names = [wording.shortened(reading.class_names[k], 6) for k in self._shown]
        self._picture = image.imshow(self._pixels, cmap="gray_r", vmin=0, vmax=255)
        self._cursor = image.axhline(0, color=BEST, linewidth=1.4)
        image.set_axis_off()
        self._bars = bars.barh(range(len(names)), np.zeros(len(names)), color=ACCENT)
        bars.set_yticks(range(len(names)), names, fontsize=8.5)
        bars.set(xlim=(0, 1), xticks=[], ylim=(len(names) - 0.4, -0.6))
        bars.grid(visible=False)
        bars.tick_params(length=0, labelcolor=MUTED)
        bars.spines[["top", "right", "bottom"]].set_visible(False)
        bars.spines["left"].set_color(RULE)
        for name, k in zip(bars.get_yticklabels(), self._shown, strict=True):
            if k == self._label:
                name.set(color=INK, fontweight="bold")

    def show(self, row: int) -> None:
        """Update the drawing to the state after the given row."""
        pixels = self._pixels.astype(float)
        pixels[row + 1 :] *= 0.18
        self._picture.set_data(pixels)
        self._cursor.set_ydata([row + 0.5, row + 0.5])
        winner = int(self._beliefs_SK[row].argmax())
        for bar, k in zip(self._bars, self._shown, strict=True):
            bar.set_width(self._beliefs_SK[row, k])
            wrong = k == winner and k != self._label
            bar.set_color(BEST if wrong else ACCENT if k == winner else BELIEVED)
