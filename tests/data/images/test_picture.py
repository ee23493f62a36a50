"""Files of all kinds that are one letter, and files that are no usable image."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mnist_seq.data.images.form import Ink, mnist_form
from mnist_seq.data.images.picture import BadImageError, open_picture, quiet
from tests.data.images.conftest import INK, PAPER, letter, save

Save = Callable[[Path], object]


def formed(path: Path, ink: Ink = "auto") -> np.ndarray:
    with quiet():
        return mnist_form(open_picture(path), 28, ink)[0]


def rgba(grey_HW: np.ndarray, opacity_HW: np.ndarray) -> Image.Image:
    return Image.fromarray(np.dstack([grey_HW, grey_HW, grey_HW, opacity_HW]))


def cut_out(ink: int) -> Image.Image:
    """Ink alone: around it all is transparent, of no colour in particular."""
    is_ink_HW = letter() == INK
    return rgba(np.where(is_ink_HW, ink, 90).astype(np.uint8), is_ink_HW.astype(np.uint8) * 255)


def sixteen_bits() -> Image.Image:
    return Image.fromarray(letter().astype(np.uint16) * 257)


def turned() -> Image.Image:
    """As a phone held upright stores it: lying, with a note to turn it to the right."""
    return Image.fromarray(np.rot90(letter()).copy())


def turned_note() -> Image.Exif:
    note = Image.Exif()
    note[0x0112] = 6
    return note


EXACT: dict[str, Save] = {
    "a.png": lambda path: save(path, letter()),
    "a.PNG": lambda path: save(path, letter(), format="PNG"),
    "a.bmp": lambda path: save(path, letter()),
    "a.tif": lambda path: save(path, letter(), compression="tiff_lzw"),
    "a.webp": lambda path: save(path, letter(), lossless=True),
    "png inside.jpg": lambda path: save(path, letter(), format="PNG"),
    "colour.png": lambda path: Image.fromarray(letter()).convert("RGB").save(path),
    "palette.png": lambda path: Image.fromarray(letter()).convert("P").save(path),
    "two colours.png": lambda path: Image.fromarray(letter() > INK).save(path),
    "deep.png": lambda path: sixteen_bits().save(path),
    "deep.tiff": lambda path: sixteen_bits().save(path),
    "cmyk.tiff": lambda path: Image.fromarray(letter()).convert("RGB").convert("CMYK").save(path),
    "cut out, dark.png": lambda path: cut_out(0).save(path),
    "cut out, light.png": lambda path: cut_out(255).save(path),
    "cut out, dark.webp": lambda path: cut_out(0).save(path, lossless=True),
    "palette with a hole.png": lambda path: Image.fromarray(
        np.where(letter() == INK, 1, 0).astype(np.uint8), "P"
    ).save(path, transparency=0),
    "turned.png": lambda path: turned().save(path, exif=turned_note()),
    "turned.tiff": lambda path: turned().save(path, exif=turned_note()),
}


@pytest.mark.parametrize("name", EXACT)
def test_the_same_letter_in_any_kind_of_file(name: str, tmp_path: Path) -> None:
    EXACT[name](tmp_path / name)
    expected_SF = mnist_form(open_picture(save(tmp_path / "plain.png", letter())), 28, "auto")[0]
    np.testing.assert_array_equal(formed(tmp_path / name), expected_SF, strict=True)


LOSSY: dict[str, Save] = {
    "a.jpeg": lambda path: save(path, letter(), quality=90),
    "cmyk.jpg": lambda path: Image.fromarray(letter()).convert("CMYK").save(path, quality=95),
    "turned.jpg": lambda path: turned().save(path, exif=turned_note(), quality=95),
    "large.jpg": lambda path: save(path, np.kron(letter(), np.ones((99, 99), np.uint8))),
}


@pytest.mark.parametrize("name", LOSSY)
def test_nearly_the_same_letter_in_a_jpeg(name: str, tmp_path: Path) -> None:
    LOSSY[name](tmp_path / name)
    expected_SF = formed(save(tmp_path / "plain.png", letter()))
    assert np.abs(formed(tmp_path / name).astype(int) - expected_SF).mean() < 5


def test_light_ink_on_nothing_is_seen_where_it_is_asked_for(tmp_path: Path) -> None:
    cut_out(255).save(tmp_path / "a.png")
    assert formed(tmp_path / "a.png", ink="light").any()
    with pytest.raises(BadImageError, match="is blank"):
        formed(tmp_path / "a.png", ink="dark")


def test_a_preview_in_a_phones_jpeg_is_no_second_frame(tmp_path: Path) -> None:
    first, preview = Image.fromarray(letter()), Image.fromarray(letter()[::2, ::2])
    first.save(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=[preview])
    assert formed(tmp_path / "a.jpg").any()


# --- no usable image


def png_of(width: int, height: int) -> bytes:
    """A file of a few bytes that claims so many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def content(kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    random = np.random.default_rng(0).integers(0, 256, (80, 80)).astype(np.uint8)
    Image.fromarray(random).save(buffer, kind, **options)
    return buffer.getvalue()


def frames(kind: str) -> bytes:
    buffer = io.BytesIO()
    more = [Image.fromarray(letter(shift=n)) for n in (5, 9)]
    Image.fromarray(letter()).save(buffer, kind, save_all=True, append_images=more)
    return buffer.getvalue()


BAD = {
    "empty.png": (b"", "is no PNG, JPEG, TIFF, BMP or WebP image"),
    "text.png": (b"hello", "is no PNG, JPEG, TIFF, BMP or WebP image"),
    "gif.png": (frames("GIF"), "is no PNG, JPEG, TIFF, BMP or WebP image"),
    **{
        f"cut.{kind}": (content(kind)[:3000], "cannot be read")
        for kind in ("png", "jpeg", "tiff", "bmp", "webp")
    },
    "changed.png": (content("png")[:2000] + bytes(100) + content("png")[2100:], "cannot be read"),
    "animated.png": (frames("PNG"), "has 3 frames; there must be one"),
    "animated.webp": (frames("WEBP"), "has 3 frames; there must be one"),
    "pages.tiff": (frames("TIFF"), "has 3 frames; there must be one"),
    "bomb.png": (png_of(60_000, 60_000), "has more than 100 million pixels"),
    "large.png": (png_of(10_001, 10_000), "has more than 100 million pixels"),
    "1x1.png": (
        png_of(1, 1),
        "has 1\N{MULTIPLICATION SIGN}1 pixels; there must be 4 at least on each side",
    ),
    "1x10000.png": (
        png_of(1, 10_000),
        "has 1\N{MULTIPLICATION SIGN}10000 pixels; there must be 4 at least",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_one_line(name: str, tmp_path: Path) -> None:
    written, problem = BAD[name]
    (tmp_path / name).write_bytes(written)
    with pytest.raises(BadImageError) as caught:
        formed(tmp_path / name)
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(tmp_path) not in str(caught.value), "its name is put before"


def test_fractions_for_pixels_are_refused(tmp_path: Path) -> None:
    Image.fromarray(letter() / np.float32(255)).save(tmp_path / "a.tiff")
    with pytest.raises(BadImageError, match="fractions"):
        open_picture(tmp_path / "a.tiff")


def test_a_picture_of_a_hundred_million_pixels_is_looked_at(tmp_path: Path) -> None:
    """The limit is no lower than it says: only what the header claims was refused above."""
    (tmp_path / "a.png").write_bytes(png_of(10_000, 10_000))
    with pytest.raises(BadImageError, match="cannot be read"):
        formed(tmp_path / "a.png")


def test_paper_shows_through_in_proportion(tmp_path: Path) -> None:
    rgba(np.full((8, 8), PAPER, np.uint8), np.full((8, 8), 51, np.uint8)).save(tmp_path / "a.png")
    on_black = open_picture(tmp_path / "a.png").on(0)
    assert on_black[0, 0] == PAPER * 51 / 255
