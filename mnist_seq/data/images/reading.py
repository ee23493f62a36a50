"""All image files of some classes as one array in MNIST's form, kept in the cache.

What is kept is known by the content of every file, its name and its class: any change of a byte
makes it another.

Shapes: M files, N of them usable as images, S steps (rows), F features (pixels of a row).
"""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnist_seq.data.cache import Arrays, load_arrays, save_arrays
from mnist_seq.data.images.form import Ink, mnist_form
from mnist_seq.data.images.picture import MAX_BYTES, BadImageError, open_picture, quiet
from mnist_seq.data.listed import listed, many
from mnist_seq.errors import DataError

FORMAT = 1  # a new number, also where the form is made otherwise, leaves older images behind
MOST_THREADS = 4  # each may hold an image of 100 million pixels


class FormedFile(NamedTuple):
    """A file as an image in MNIST's form.

    Attributes
    ----------
    image_SF : uint8, shape (S, F), or None
        255 is full ink; None where the file is no usable image.
    is_dark : bool
        Whether its ink was dark.
    problem : str
        What is wrong with it; empty for a usable image.
    """

    image_SF: NDArray[np.uint8] | None = None
    is_dark: bool = False
    problem: str = ""


@dataclass(frozen=True)
class FormedImages:
    """Images in MNIST's form, in the order of their classes and files.

    Attributes
    ----------
    images_NSF : uint8, shape (N, S, F)
        255 is full ink.
    labels_N : int32, shape (N,)
        Indices into the class names.
    dark_N : bool, shape (N,)
        Whether the ink of the file was dark.
    bad : mapping of Path to str
        What is wrong with each file that is not among the images.
    """

    images_NSF: NDArray[np.uint8]
    labels_N: NDArray[np.int32]
    dark_N: NDArray[np.bool_]
    bad: Mapping[Path, str]


def form_files(paths_M: Sequence[Path], size: int, ink: Ink) -> list[FormedFile]:
    """Bring files of one character each into MNIST's form; what is wrong with one is noted.

    Parameters
    ----------
    size, ink
        As for `mnist_seq.data.images.form.mnist_form`.
    """
    with quiet(), ThreadPoolExecutor(min(os.cpu_count() or 1, MOST_THREADS)) as pool:
        return list(pool.map(lambda path: _formed(path, size, ink), paths_M))


def skipped(
    bad: Mapping[Path, str], on_bad_image: Literal["fail", "skip"], setting: str, folder: Path
) -> str:
    """Tell of the bad files that are skipped; nothing if there are none.

    Parameters
    ----------
    bad : mapping of Path to str
        What is wrong with each.
    setting : str
        The path of the setting `on_bad_image`.
    folder : Path
        Files are named from here, where they are in it.

    Raises
    ------
    DataError
        If none may be skipped.
    """
    if not bad:
        return ""
    if on_bad_image == "fail":
        path, problem = next(iter(bad.items()))
        more = f" ({len(bad)} bad images in all)" if len(bad) > 1 else ""
        raise DataError(f"{path}: {problem}{more}; {setting}=skip goes on without such images")
    named = [
        f"{path.relative_to(folder) if path.is_relative_to(folder) else path} {problem}"
        for path, problem in bad.items()
    ]
    return f"skipped {many(len(bad), 'bad image')}: {listed(named)}"


def read_once(classes: Mapping[str, Sequence[Path]], size: int, ink: Ink) -> FormedImages:
    """Return the images of the cache, or read the files and cache them.

    Parameters
    ----------
    classes : mapping of str to sequence of Path
        Image files by class name; a label is the place of its class.
    size, ink
        As for `mnist_seq.data.images.form.mnist_form`.
    """
    paths_M = [path for paths in classes.values() for path in paths]
    labels_M = np.repeat(np.arange(len(classes)), [*map(len, classes.values())])
    with quiet(), ThreadPoolExecutor(min(os.cpu_count() or 1, MOST_THREADS)) as pool:
        contents = pool.map(_content, paths_M)
        names = [f"{name}/{path.name}" for name, paths in classes.items() for path in paths]
        key = json.dumps([size, ink, list(classes), [*zip(names, contents, strict=True)]])
        name = f"{hashlib.blake2b(key.encode(), digest_size=16).hexdigest()}.images.v{FORMAT}"
        formed = load_arrays(name, lambda arrays: _from_arrays(arrays, paths_M))
        if formed is not None:
            return formed
    results = form_files(paths_M, size, ink)
    good = [place for place, (_, _, problem) in enumerate(results) if not problem]
    formed = FormedImages(
        images_NSF=np.array([results[place][0] for place in good], np.uint8).reshape(
            -1, size, size
        ),
        labels_N=labels_M[good].astype(np.int32),
        dark_N=np.array([results[place][1] for place in good], np.bool_),
        bad={
            path: problem for path, (_, _, problem) in zip(paths_M, results, strict=True) if problem
        },
    )
    save_arrays(name, _arrays(formed, paths_M))
    return formed


def _content(path: Path) -> str:
    """Digest of a file's bytes; for a file that cannot be read, the reason instead."""
    try:
        if path.stat().st_size > MAX_BYTES:
            return "large"
        with path.open("rb") as content:
            return hashlib.file_digest(content, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    except OSError as error:
        return str(error.strerror)


def _formed(path: Path, size: int, ink: Ink) -> FormedFile:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BadImageError(f"is larger than {MAX_BYTES // 2**30} GiB")
        return FormedFile(*mnist_form(open_picture(path), size, ink))
    except OSError as error:
        return FormedFile(problem=f"cannot be read ({error.strerror})")
    except BadImageError as error:
        return FormedFile(problem=str(error))


def _from_arrays(arrays: Arrays, paths_M: Sequence[Path]) -> FormedImages:
    bad = json.loads(str(arrays["bad"]))
    return FormedImages(
        images_NSF=arrays["images"],
        labels_N=arrays["labels"],
        dark_N=arrays["dark"],
        bad={paths_M[place]: problem for place, problem in bad},
    )


def _arrays(formed: FormedImages, paths_M: Sequence[Path]) -> dict[str, NDArray[Any]]:
    # By place: the same files may lie elsewhere when they are asked for again.
    bad = [(place, formed.bad[path]) for place, path in enumerate(paths_M) if path in formed.bad]
    return {
        "images": formed.images_NSF,
        "labels": formed.labels_N,
        "dark": formed.dark_N,
        "bad": np.array(json.dumps(bad)),
    }
