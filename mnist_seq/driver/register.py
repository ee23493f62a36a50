"""Register the network that a rerun has confirmed, and decide whether it is the champion."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnist_seq.config.settings import Objective
from mnist_seq.data.digests import as_tags, from_tags
from mnist_seq.driver.scores import RESULTS_FILE, Scores
from mnist_seq.driver.workspace import Workspace
from mnist_seq.errors import TrackingError
from mnist_seq.metrics.classification import LEVEL, mcnemar
from mnist_seq.report.analysis import wording
from mnist_seq.report.inside.answers import read_right
from mnist_seq.report.inside.pair_findings import mcnemar_text
from mnist_seq.tracking.registry import Registry, Version
from mnist_seq.tracking.results import StoredRun


@dataclass(frozen=True)
class RegisteredNetwork:
    """A network in MLflow's registry.

    Attributes
    ----------
    name : str
        The registered model's.
    version : int
        Of that name.
    run_id : str
        Of the run that has trained it.
    is_champion : bool
        Whether it now has the alias ``champion``.
    verdict : str
        Why, in a line.
    """

    name: str
    version: int
    run_id: str
    is_champion: bool
    verdict: str


@dataclass(frozen=True)
class _Comparison:
    """A network compared with the champion: is it better by more than luck, and in words."""

    is_better: bool
    text: str


def register(
    workspace: Workspace,
    name: str,
    run_ids: Sequence[str],
    monitor: Objective,
    scores: Scores,
    class_names: Sequence[str],
    *,
    force: bool,
) -> RegisteredNetwork:
    """Register the best of a config's networks; make it champion if it beats the present one.

    Parameters
    ----------
    run_ids : sequence of str
        Of the same config with several seeds, all in the store.
    monitor : str
        The best of them is best in this, on the validation images.
    scores : Scores
        Of all, on the test images.
    force : bool
        Make it champion whatever the comparison says.

    Raises
    ------
    TrackingError
        If the registry cannot be read or written.
    """
    registry = Registry(workspace.store)
    runs = [workspace.results.run(run_id) for run_id in run_ids]
    run = best_by_validation(runs, monitor)
    with registry.alone():
        champion = registry.champion(name)
        compared = _compared(workspace, run, champion) if champion else None
        is_champion = force or compared is None or compared.is_better
        tags = {
            **as_tags(from_tags(run.tags)),
            "class_names": json.dumps(class_names, ensure_ascii=False),
            "test_accuracy": str(run.metrics["test_accuracy"]),
            "rerun_of": run.tags["rerun_of"],
            "compared": compared.text if compared else "there was no champion",
        }
        version = registry.add(name, run, tags, _confirmation(runs, run, scores))
        if is_champion:
            registry.set_champion(version)
    verdict = _verdict(champion, compared, is_champion=is_champion)
    told = f"registered as {name}, version {version.number}; {verdict}"
    return RegisteredNetwork(name, version.number, run.id, is_champion, told)


def best_by_validation(runs: Sequence[StoredRun], monitor: Objective) -> StoredRun:
    """The run that is best in what its training monitors; the first of equals."""
    sign = -1 if monitor == "validation_loss" else 1
    return max(runs, key=lambda run: sign * run.metrics[f"best_{monitor}"])


def _verdict(champion: Version | None, compared: _Comparison | None, *, is_champion: bool) -> str:
    if champion is None or compared is None:
        return "it is the first champion"
    if not is_champion:
        return f"version {champion.number} stays champion: {compared.text}; force=true replaces it"
    forced = "" if compared.is_better else ", as force=true says"
    return f"it is champion in place of version {champion.number}{forced}: {compared.text}"


def _compared(workspace: Workspace, run: StoredRun, champion: Version) -> _Comparison:
    """Compare a run's network with the champion by their stored answers to the test images."""
    digests = [from_tags(tags).get("test") for tags in (run.tags, champion.tags)]
    if digests[0] != digests[1]:
        return _Comparison(False, "it was confirmed on other test images")
    try:
        ours_N = _right(workspace, run.id)
        theirs_N = _right(workspace, champion.run_id, len(ours_N))
    except TrackingError as error:
        return _Comparison(False, f"they cannot be compared ({error})")
    only_ours, only_theirs = int((ours_N & ~theirs_N).sum()), int((theirs_N & ~ours_N).sum())
    p_value = mcnemar(only_ours, only_theirs)
    shares = f"{100 * ours_N.mean():.2f} % of the test images against {100 * theirs_N.mean():.2f} %"
    luck = "more than luck" if p_value < LEVEL else "which may be luck"
    test = mcnemar_text(only_ours + only_theirs, p_value)
    is_better = p_value < LEVEL and only_ours > only_theirs
    return _Comparison(is_better, f"{shares}, {luck} ({test})")


def _right(workspace: Workspace, run_id: str, images: int | None = None) -> NDArray[np.bool_]:
    """Read which test images a run's network got right; refuse a count other than `images`."""
    file = workspace.results.file(run_id, RESULTS_FILE)
    try:
        right_N = read_right(file)
    except (OSError, ValueError) as error:
        raise TrackingError(f"{file}: cannot be read as answers to the test images") from error
    if len(right_N) != (images or len(right_N)):
        answered = wording.many(len(right_N), "test image")
        raise TrackingError(f"{file}: answers {answered}, not {images:,}")
    return right_N


def _confirmation(runs: Sequence[StoredRun], registered: StoredRun, scores: Scores) -> str:
    """Markdown of how the networks did, the registered one marked.

    Nothing in it but numbers and ids: MLflow shows it as markup.
    """
    rows = [
        f"| {run.params['seed']} | {100 * run.metrics['best_validation_accuracy']:.2f} % "
        f"| {100 * run.metrics['test_accuracy']:.2f} % | {run.id} "
        f"| {'registered' if run is registered else ''} |"
        for run in runs
    ]
    return "\n".join(
        [
            "| seed | validation accuracy | test accuracy | run | |",
            "| --- | --- | --- | --- | --- |",
            *rows,
            "",
            f"Test accuracy {scores.short} of {wording.many(scores.images, 'image')}; "
            f"all networks together {100 * scores.ensemble:.2f} %. The seed was chosen by the "
            "validation images.",
        ]
    )
