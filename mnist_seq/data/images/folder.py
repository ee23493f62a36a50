"""A folder of images as classes and files: what is a class, what is an image, what is left out."""

import os
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mnist_seq.errors import DataError

ENDINGS = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".tif", ".tiff", ".bmp", ".dib", ".webp"}
)
PARTS = ("train", "test")


@dataclass(frozen=True)
class ImageFolder:
    """The classes of a folder with the image files of each.

    Attributes
    ----------
    train : mapping of str to list of Path
        By class name (NFC), in the order of the classes; files by name.
    test : mapping of str to list of Path, or None
        None where there is no sub-folder ``test``.
    left_out : list of Path
        Files and hidden folders that are no part of the data.
    """

    train: dict[str, list[Path]]
    test: dict[str, list[Path]] | None
    left_out: list[Path] = field(default_factory=list)


def list_folder(folder: str) -> ImageFolder:
    """Return the classes and files of a folder; no file is opened.

    Raises
    ------
    DataError
        If it is not there, or is not a folder with a sub-folder for each class.
    """
    root = Path(os.path.expanduser(folder))  # noqa: PTH111 -- Path.expanduser fails for no such user
    left_out: list[Path] = []
    folders = _folders(root, left_out)
    parts = {each.name.casefold(): each for each in folders if each.name.casefold() in PARTS}
    if parts.keys() == set(PARTS):
        if len(folders) > len(PARTS):
            other = next(each for each in folders if each not in parts.values())
            raise DataError(
                f"{folder}: has {other.name}/ beside train/ and test/; "
                "put its images into one of the two, or elsewhere"
            )
        train = _classes(parts["train"], left_out)
        test = _classes(parts["test"], left_out, fewest=1)
        if unseen := test.keys() - train.keys():
            raise DataError(
                f"{parts['test']}: class {min(unseen)!r} is not among those of {parts['train']}"
            )
        return ImageFolder(train, test, left_out)
    if len(folders) == 1 and parts:
        (only,) = folders
        raise DataError(
            f"{folder}: has {only.name}/ alone; add the other of train/ and test/, or take its "
            f"classes: data.folder={only}"
        )
    return ImageFolder(_classes(root, left_out), None, left_out)


def list_files(names: Sequence[str]) -> list[Path]:
    """Return the image files that are named, and those in the folders that are; none is opened.

    Raises
    ------
    DataError
        If one is not there, or a folder has no image files.
    """
    files: list[Path] = []
    for path in map(Path, names):
        if not path.is_dir():
            if not path.exists():
                raise DataError(f"{path}: no such file or folder")
            files.append(path)
            continue
        found = _images(path, [])
        if not found:
            raise DataError(f"{path}: has no PNG, JPEG, TIFF, BMP or WebP files")
        files += found
    return files


def _classes(folder: Path, left_out: list[Path], fewest: int = 2) -> dict[str, list[Path]]:
    """The image files of each sub-folder, by the class's name."""
    named: dict[str, Path] = {}
    for each in _folders(folder, left_out):
        name = unicodedata.normalize("NFC", each.name)
        if name in named:
            raise DataError(
                f"{folder}: two sub-folders are named {name!r}, spelled {named[name].name!a} "
                f"and {each.name!a}; put their images into one"
            )
        named[name] = each
    if len(named) < fewest:
        has = f"the sub-folder {next(iter(named))!r} alone" if named else "no sub-folders"
        raise DataError(
            f"{folder}: has {has}; there must be one for each class, and at least {fewest}"
        )
    are_whole_numbers = all(name.isdecimal() for name in named)
    order = sorted(named, key=(lambda name: (int(name), name)) if are_whole_numbers else None)
    classes = {name: _images(named[name], left_out) for name in order}
    if not any(classes.values()):
        raise DataError(f"{folder}: has no PNG, JPEG, TIFF, BMP or WebP files in its sub-folders")
    return classes


def _folders(folder: Path, left_out: list[Path]) -> list[Path]:
    found = []
    for each in _entries(folder):
        is_hidden = each.name.startswith((".", "__"))
        if each.is_dir() and not is_hidden:
            found.append(each)
        else:
            left_out.append(each)
    return found


def _images(folder: Path, left_out: list[Path]) -> list[Path]:
    files = []
    for each in _entries(folder):
        # macOS puts ._a.png beside a.png where a disk cannot keep what else it knows of a file.
        is_image = each.suffix.lower() in ENDINGS and not each.name.startswith(".")
        if is_image and not each.is_dir() and (each.is_file() or each.is_symlink()):
            files.append(each)
        else:
            left_out.append(each)
    return files


def _entries(folder: Path) -> Iterator[Path]:
    try:
        if not folder.exists():
            raise DataError(f"{folder}: no such folder")
        if not folder.is_dir():
            raise DataError(f"{folder}: is not a folder")
        yield from sorted(folder.iterdir())
    except OSError as error:
        raise DataError(f"{folder}: cannot be read ({error.strerror})") from None
