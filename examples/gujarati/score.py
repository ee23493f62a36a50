"""How many renderings of each font family a network reads right, and what it mistakes for what.

    python -m examples.gujarati.score gujarati/test gujarati-unseen

The network is the best of the latest study. What it reads are renderings of fonts, not handwriting.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import mnist_seq
from mnist_seq.errors import InputError

MOST_MISTAKES = 6


def main(words: Sequence[str]) -> int:
    """Print a few lines for each folder; returns the exit code."""
    parser = argparse.ArgumentParser(description="Accuracy on each family of rendered characters.")
    parser.add_argument("folders", type=Path, nargs="+", help="as render.py has written them")
    parser.add_argument("--study", help="the best of this one, and not of the latest")
    parser.add_argument("--tracking", type=Path, default=Path("mlruns"), help="tracking folder")
    options = parser.parse_args(words)
    try:
        network = mnist_seq.study(options.study, folder=options.tracking).best
        for folder in options.folders:
            files = sorted(folder.glob("*/*.png"))
            print(f"{folder}:", *_lines(files, network.predict_files(files).labels), sep="\n  ")
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _lines(files: Sequence[Path], answers: Iterable[str]) -> list[str]:
    """Right answers of all and of each family, and the most frequent mistakes."""
    right, asked, mistakes = Counter[str](), Counter[str](), Counter[str]()
    for file, answer in zip(files, answers, strict=True):
        character, family = file.parent.name, file.name.partition("-")[0]
        for name in ("all", family):
            asked[name] += 1
            right[name] += answer == character
        if answer != character:
            mistakes[f"{character} read as {answer}"] += 1
    shares = [f"{name}: {100 * right[name] / n:.1f} % of {n:,}" for name, n in asked.items()]
    often = [f"{mistake} ({n})" for mistake, n in mistakes.most_common(MOST_MISTAKES)]
    return [*shares, f"most frequent mistakes: {', '.join(often)}"] if often else shares


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
