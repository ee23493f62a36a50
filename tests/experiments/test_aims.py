"""A sweep with two aims on the digits: where its front is shown, and how a point is rerun."""

import json
from pathlib import Path

import pytest

from mnist_seq import study
from tests.experiments.commands import run

SWEEP = (
    "data=digits",
    "study=aims",
    "search.objective=[validation_accuracy,parameters]",
    "search.trials=3",
    "search.baselines=[{model.units: 40}]",
    "search.sampler=grid",
    "search.space={model: {units: {choices: [4, 16, 40]}}}",
    "training.epochs=3",
    "training.learning_rate=0.01",
)


@pytest.mark.slow
def test_the_front_is_told_everywhere_and_its_points_can_be_rerun(tmp_path: Path) -> None:
    folder = f"tracking.folder={tmp_path}"
    ran = run("sweep", *SWEEP, folder, "--json")
    assert ran.code == 0, ran.errors
    found = json.loads(ran.out)
    frame = study("aims", folder=tmp_path).front
    # Digits are 8 rows of 8 pixels: 4 units have 4 * 4 * 13 + 50 = 258 parameters.
    sizes = {258, 1770, 8250}
    assert set(frame["parameters"]) <= sizes
    assert frame["parameters"].iloc[0] == 258  # nothing is cheaper
    assert frame["parameters"].is_monotonic_increasing
    assert frame["validation_accuracy"].is_monotonic_increasing
    assert [point["trial"] for point in found["front"]] == list(frame["trial"])
    assert frame["trial"].iloc[-1] == found["best"]["trial"]
    said = "\n".join(ran.errors)
    assert "the front: each is the best of all that cost no more" in said
    smallest = frame["trial"].iloc[0]
    assert f"rerun study=aims trial={smallest}" in said
    page = (tmp_path / "reports" / "aims.html").read_text()
    assert page.index("<h2>The front</h2>") < page.index('<td class="number">258</td>')
    again = run("rerun", "study=aims", f"trial={smallest}", folder)
    assert again.code == 0, again.errors
    assert f"trial {smallest}" in again.out
