"""303 odd or broken files, made here: each is the letter, or one line.

They are read as a folder of images is, so that any other error would end the test.
"""

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from mnist_seq.data.images.form import mnist_form
from mnist_seq.data.images.picture import Picture
from mnist_seq.data.images.reading import form_files
from tests.data.images.conftest import INK, PAPER, letter

LETTER = Image.fromarray(letter())
NEAR = 8  # grey values, mean difference of a JPEG from the letter
Files = Iterator[tuple[str, bytes]]


def written(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def png(width: int, height: int, pixels: bytes, interlaced: int = 0, more: bytes = b"") -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, interlaced)
    parts = chunk(b"IHDR", header), more, chunk(b"IDAT", zlib.compress(pixels)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def adam7(grey_HW: NDArray[np.uint8]) -> bytes:
    """An interlaced PNG: Pillow writes none. Seven passes, as the PNG specification has them."""
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4)]
    passes += [(2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    rows = [
        b"\0" + row.tobytes()
        for top, left, down, right in passes
        for row in grey_HW[top::down, left::right]
    ]
    height, width = grey_HW.shape
    return png(width, height, b"".join(rows), interlaced=1)


def bmp(grey_HW: NDArray[np.uint8], data: bytes, compression: int, *, is_top_down: bool) -> bytes:
    """A BMP of 256 greys as its header tells, also one that Pillow does not write."""
    height, width = grey_HW.shape
    palette = b"".join(bytes([grey, grey, grey, 0]) for grey in range(256))
    begin = 14 + 40 + len(palette)
    rows = -height if is_top_down else height
    header = struct.pack("<2sIHHI", b"BM", begin + len(data), 0, 0, begin)
    info = struct.pack("<IiiHHIIiiII", 40, width, rows, 1, 8, compression, len(data), 0, 0, 256, 0)
    return header + info + palette + data


def run_lengths(grey_HW: NDArray[np.uint8]) -> bytes:
    """Rows from the bottom on, each pixel a run of one; the longest way to write them."""
    rows = [b"".join(bytes([1, grey]) for grey in row) + b"\0\0" for row in grey_HW[::-1].tolist()]
    return b"".join(rows) + b"\0\1"


def with_hole() -> Image.Image:
    """The letter, transparent where it is paper."""
    opacity = Image.fromarray(np.where(letter() == INK, np.uint8(255), np.uint8(0)))
    image = LETTER.convert("LA")
    image.putalpha(opacity)
    return image


def plain() -> dict[str, bytes]:
    """The letter in each format, as most programs write it."""
    return {
        "png": written(LETTER, "png"),
        "jpg": written(LETTER, "jpeg", quality=95),
        "tif": written(LETTER, "tiff"),
        "bmp": written(LETTER, "bmp"),
        "webp": written(LETTER, "webp", lossless=True),
    }


# --- what is the letter


def of_any_ending() -> Files:
    for ending in plain():
        for inside, content in plain().items():
            yield f"{inside} inside.{ending}", content


def of_any_depth() -> Files:
    deep = Image.fromarray(letter().astype(np.uint16) * 257)
    colour, two = LETTER.convert("RGB"), Image.fromarray(letter() > INK)
    greys = LETTER.quantize(16, dither=Image.Dither.NONE)
    yield "deep.png", written(deep, "png")
    yield "deep.tif", written(deep, "tiff")
    yield (
        "deep, other bytes first.tif",
        written(Image.fromarray(letter().astype(">u2") * 257), "tiff"),
    )
    yield "32 bits of which 16 are used.tif", written(deep.convert("I"), "tiff")
    yield "ycbcr.tif", written(colour.convert("YCbCr"), "tiff")
    yield "lab.tif", written(colour.convert("LAB"), "tiff")
    images = {mode: LETTER.convert(mode) for mode in ("RGBA", "RGB", "LA", "P")} | {"1": two}
    for mode, image in images.items():
        for kind in ("png", "tiff") if mode == "LA" else ("png", "tiff", "bmp"):
            yield f"{mode}.{kind}", written(image, kind)
    yield "CMYK.tif", written(colour.convert("CMYK"), "tiff")
    for bits in (1, 2, 4, 8):
        yield f"palette of {bits} bits.png", written(greys.quantize(2**bits), "png", bits=bits)
    for kind in ("tiff_lzw", "tiff_adobe_deflate", "packbits"):
        yield f"{kind}.tif", written(LETTER, "tiff", compression=kind)
    yield "fax.tif", written(two, "tiff", compression="group4")
    yield "hole.png", written(with_hole(), "png")
    yield "hole.tif", written(with_hole(), "tiff")
    yield "hole.webp", written(with_hole().convert("RGBA"), "webp", lossless=True)
    yield (
        "hole in a palette.png",
        written(
            Image.fromarray(np.where(letter() == INK, 1, 0).astype(np.uint8), "P"),
            "png",
            transparency=0,
        ),
    )
    yield "interlaced.png", adam7(letter())
    upside_down = letter()[::-1].tobytes()
    yield "from the bottom.bmp", bmp(letter(), upside_down, 0, is_top_down=False)
    yield "from the top.bmp", bmp(letter(), letter().tobytes(), 0, is_top_down=True)
    yield "runs.bmp", bmp(letter(), run_lengths(letter()), 1, is_top_down=False)
    yield "more than it says.png", written(LETTER, "png") + b"and a tail"
    yield "much text.png", png(60, 40, _rows(letter()), more=chunk(b"tEXt", b"a\0" + b"b" * 99999))


def _rows(grey_HW: NDArray[np.uint8]) -> bytes:
    return b"".join(b"\0" + row.tobytes() for row in grey_HW)


def nearly() -> Files:
    colour = LETTER.convert("RGB")
    yield "progressive.jpg", written(LETTER, "jpeg", quality=95, progressive=True)
    yield "progressive, colour.jpg", written(colour, "jpeg", quality=95, progressive=True)
    yield "cmyk.jpg", written(colour.convert("CMYK"), "jpeg", quality=95)
    for sampling in ("4:4:4", "4:2:2", "4:2:0"):
        yield f"{sampling}.jpg", written(colour, "jpeg", quality=95, subsampling=sampling)
    yield "restarts.jpg", written(LETTER, "jpeg", quality=95, restart_marker_blocks=1)
    yield "lossy.webp", written(LETTER, "webp", quality=95)
    yield "lossy, hole.webp", written(with_hole().convert("RGBA"), "webp", quality=95)
    # What a phone calls JPEG may hold a preview after the picture.
    previews = {"save_all": True, "append_images": [LETTER.reduce(2)], "quality": 95}
    yield "phone.jpg", written(LETTER, "mpo", **previews)


def turned() -> Files:
    """All eight orientations of EXIF: what brings each back, after its definition."""
    back: dict[int, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
        1: lambda image_HW: image_HW,
        2: np.fliplr,
        3: lambda image_HW: np.rot90(image_HW, 2),
        4: np.flipud,
        5: lambda image_HW: image_HW.T,
        6: np.rot90,
        7: lambda image_HW: np.rot90(image_HW, 2).T,
        8: lambda image_HW: np.rot90(image_HW, -1),
    }
    for orientation, turn in back.items():
        note = Image.Exif()
        note[0x0112] = orientation
        image = Image.fromarray(np.ascontiguousarray(turn(letter())))
        for kind in ("png", "tiff", "webp", "jpeg"):
            # Each format takes of these what it knows.
            yield (
                f"{orientation}.{kind}",
                written(image, kind, exif=note, lossless=True, quality=95),
            )


# --- what is none


def of_another_kind() -> Files:
    texts = {
        "nothing": b"",
        "text": b"hello",
        "html": b"<!doctype html><html><body><img src=a.png></body></html>",
        "svg": b'<svg xmlns="http://www.w3.org/2000/svg" width="9"><path d="M0 0"/></svg>',
        "json": b'{"image": null}',
        "pdf": b"%PDF-1.7\n%%EOF",
        "zip": b"PK\x05\x06" + bytes(18),
        "gif": written(LETTER, "gif"),
        "ppm": written(LETTER, "ppm"),
        "icon": written(LETTER, "ico"),
    }
    for name, content in texts.items():
        for ending in ("png", "jpg"):
            yield f"{name}.{ending}", content
    for ending, content in plain().items():
        yield f"beginning alone.{ending}", content[:12]


def of_unusable_size() -> Files:
    for kind in ("png", "jpeg", "tiff", "bmp", "webp"):
        for width, height in ((1, 1), (1, 10_000), (10_000, 1), (3, 50)):
            yield f"{width}x{height}.{kind}", written(Image.new("L", (width, height), 99), kind)
    yield "blank.png", written(Image.new("L", (40, 40), PAPER), "png")
    more = {"save_all": True, "append_images": [LETTER.rotate(9), LETTER.rotate(30)]}
    for kind in ("png", "webp", "tiff"):
        yield f"frames.{kind}", written(LETTER, kind, **more)
    yield "fractions.tif", written(Image.fromarray(letter() / np.float32(255)), "tiff")
    deeper = Image.fromarray(letter().astype(np.int32) * 70_000)
    yield "32 bits.tif", written(deeper, "tiff")


def of_too_much() -> Files:
    """Headers that claim more than there is, and what unpacks to much more than it has."""
    for width, height in ((60_000, 60_000), (10_001, 10_000), (2**31 - 1, 2**31 - 1)):
        yield f"{width}x{height}.png", png(width, height, b"")
    huge = 60_000
    content = plain()
    bitmap = bytearray(content["bmp"])
    struct.pack_into("<ii", bitmap, 18, huge, huge)
    yield "huge.bmp", bytes(bitmap)
    photo = bytearray(content["jpg"])
    struct.pack_into(">HH", photo, photo.index(b"\xff\xc0") + 5, huge, huge)
    yield "huge.jpg", bytes(photo)
    sheet = bytearray(content["tif"])
    for tag in (256, 257):  # width and length
        struct.pack_into("<I", sheet, sheet.index(struct.pack("<HHI", tag, 4, 1)) + 8, huge)
    yield "huge.tif", bytes(sheet)
    bomb = zlib.compress(bytes(PngImagePlugin.MAX_TEXT_CHUNK + 1))
    yield "text bomb.png", png(60, 40, _rows(letter()), more=chunk(b"zTXt", b"a\0\0" + bomb))


# --- what may be either


def cut_off() -> Files:
    kinds = {
        **plain(),
        "progressive.jpg": written(LETTER, "jpeg", quality=95, progressive=True),
        "interlaced.png": adam7(letter()),
        "lzw.tif": written(LETTER, "tiff", compression="tiff_lzw"),
        "lossy.webp": written(LETTER, "webp", quality=95),
    }
    for name, content in kinds.items():
        for twelfth in range(1, 12):
            yield f"{twelfth} of 12.{name}", content[: len(content) * twelfth // 12]


def with_changed_bytes() -> Files:
    for seed in range(8):
        random = np.random.default_rng(seed)
        for ending, content in plain().items():
            changed = np.frombuffer(content, np.uint8).copy()
            changed[random.integers(0, len(changed), 6)] = random.integers(0, 256, 6)
            yield f"{seed}.{ending}", changed.tobytes()


ALL = {
    of_any_ending: "letter",
    of_any_depth: "letter",
    nearly: "letter",
    turned: "letter",
    of_another_kind: "line",
    of_unusable_size: "line",
    of_too_much: "line",
    cut_off: "either",
    with_changed_bytes: "anything",
}


@pytest.mark.parametrize("make", ALL)
def test_each_is_the_letter_or_one_line(make: Callable[[], Files], tmp_path: Path) -> None:
    files = [(tmp_path / name, content) for name, content in make()]
    for path, content in files:
        path.write_bytes(content)
    expected_SF, _ = mnist_form(Picture(letter()), 28, "auto")
    wrong = {}
    for (path, _), formed in zip(files, form_files([p for p, _ in files], 28, "auto"), strict=True):
        if formed.image_SF is None:
            is_line = formed.problem.isprintable() and str(tmp_path) not in formed.problem
            is_right = is_line and ALL[make] != "letter"
        else:
            off = np.abs(formed.image_SF.astype(int) - expected_SF).mean()
            is_right = ALL[make] == "anything" or (ALL[make] != "line" and off < NEAR)
        if not is_right:
            wrong[path.name] = formed.problem or f"off by {off:.1f}"
    assert wrong == {}
