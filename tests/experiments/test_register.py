"""``experiments.rerun register=...`` and what then uses the registered network, on the digits."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
import pytest
from PIL import Image
from scipy.stats import binomtest

from mnist_seq.config.settings import TrackingConfig
from mnist_seq.data.digits import read_digits
from mnist_seq.driver import export_network
from mnist_seq.driver.workspace import Workspace
from mnist_seq.tracking.results import StoredRun
from tests.experiments.commands import printed, run

SMALL = ("data=digits", "training.learning_rate=0.02", "workers.count=1")


class Store:
    """A tracking folder with a bad training and a good one."""

    def __init__(self, folder: Path) -> None:
        self.setting = f"tracking.folder={folder}"
        for name, units, epochs in (("bad", 3, 1), ("good", 24, 3)):
            size = (f"model.units={units}", f"training.epochs={epochs}")
            printed("train", *SMALL, *size, f"name={name}", self.setting)
        self.workspace = Workspace(TrackingConfig(folder=str(folder)))

    def trained(self, name: str, role: str = "training") -> list[StoredRun]:
        results = self.workspace.results
        return [run for run in results.runs(results.experiment(name)) if run.role == role]

    def register(self, name: str, *words: str) -> dict[str, object]:
        """What a rerun of a training says of the network that it has registered."""
        (source,) = self.trained(name)
        ran = run("rerun", f"run={source.id}", "register=letters", *words, self.setting, "--json")
        assert ran.code == 0, ran.errors
        found: dict[str, object] = json.loads(ran.out)["registered"]
        return found

    def champion(self) -> str:
        client = self.workspace.store.client
        return str(client.get_model_version_by_alias("letters", "champion").version)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("mlruns"))


@pytest.mark.slow
def test_a_champion_is_replaced_by_what_beats_it_by_more_than_luck_alone(store: Store) -> None:
    first = store.register("bad")
    assert (first["version"], first["is_champion"]) == (1, True)

    second = store.register("good", "seeds=2", "baseline=false")
    reruns = store.trained("good", "rerun")
    best = max(reruns, key=lambda each: each.metrics["best_validation_accuracy"])
    assert (second["version"], second["is_champion"], second["run_id"]) == (2, True, best.id)
    right = [
        pd.read_csv(store.workspace.results.file(str(run_id), "test_results.csv"))["result"]
        == "right"
        for run_id in (best.id, first["run_id"])
    ]
    ours, theirs = int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum())
    assert binomtest(ours, ours + theirs).pvalue < 0.0001
    assert second["verdict"] == (
        "registered as letters, version 2; it is champion in place of version 1: "
        f"{100 * right[0].mean():.2f} % of the test images against {100 * right[1].mean():.2f} %, "
        f"more than luck (McNemar's exact test on the {ours + theirs} images that only one of them "
        "has right, p < 0.0001)"
    )

    for words, stays in (("bad", "more than luck"), ("good", "which may be luck")):
        again = store.register(words)
        assert again["is_champion"] is False
        assert "version 2 stays champion" in str(again["verdict"])
        assert stays in str(again["verdict"])
    assert store.champion() == "2"
    forced = store.register("bad", "force=true")
    assert (store.champion(), forced["is_champion"]) == ("5", True)
    assert "in place of version 2, as force=true says: " in str(forced["verdict"])


@pytest.mark.slow
def test_a_version_says_what_it_is(store: Store) -> None:
    client = store.workspace.store.client
    version = client.get_model_version("letters", "2")
    reruns = store.trained("good", "rerun")[:2]
    assert version.run_id in {each.id for each in reruns}
    assert json.loads(version.tags["class_names"]) == [*"0123456789"]
    for part in ("data", "training", "validation", "test"):
        assert version.tags[f"{part}_digest"] == reruns[0].tags[f"{part}_digest"]
    for each in reruns:
        shares = (each.metrics["best_validation_accuracy"], each.metrics["test_accuracy"])
        told = " | ".join(f"{100 * share:.2f} %" for share in shares)
        assert f"| {each.params['seed']} | {told} | {each.id} |" in str(version.description)


@pytest.mark.slow
def test_what_was_confirmed_on_other_test_images_stays(store: Store) -> None:
    client = store.workspace.store.client
    before = store.champion()
    known = client.get_model_version("letters", before).tags["test_digest"]
    client.set_model_version_tag("letters", before, "test_digest", "0" * 16)
    told = store.register("good")
    client.set_model_version_tag("letters", before, "test_digest", known)
    assert str(told["verdict"]).endswith(
        f"version {before} stays champion: it was confirmed on other test images; "
        "force=true replaces it"
    )
    answers = (
        store.workspace.results.file(str(client.get_model_version("letters", before).run_id), ".")
        / "test_results.csv"
    )
    whole = answers.read_text()
    answers.write_text("".join(whole.splitlines(keepends=True)[:-1]))
    told = store.register("good")
    answers.write_text(whole)
    assert f"({answers}: answers 359 test images, not 360); force=true" in str(told["verdict"])
    assert store.champion() == before


@pytest.mark.slow
def test_the_champion_reads_images_by_its_name(store: Store, tmp_path: Path) -> None:
    paper_HW = 255 - np.kron(read_digits().test.images_NSF[0], np.ones((4, 4), np.uint8))
    Image.fromarray(paper_HW).save(tmp_path / "a.png")
    words = (f"image={tmp_path / 'a.png'}", f"folder={tmp_path}", store.setting, "--json")
    ran = run("predict", "champion=letters", *words)
    assert ran.code == 0, ran.errors
    champion = store.workspace.store.client.get_model_version("letters", store.champion())
    assert json.loads(ran.out)["run_id"] == champion.run_id
    ran = run("predict", "champion=others", *words)
    assert ran.code == 2
    assert ran.errors[0].startswith("error: no model others with a champion in ")


@pytest.mark.slow
def test_the_champion_is_written_for_programs_without_keras(store: Store, tmp_path: Path) -> None:
    ran = run("export", "format=onnx", "champion=letters", f"folder={tmp_path}", store.setting)
    assert ran.code == 0, ran.errors
    said, files = ran.out.split("\n\n", 1)
    assert "answers as Keras does: another label for 0 of 144 validation images, " in said
    assert files.count(str(tmp_path)) == 2
    (network,) = tmp_path.glob("*.onnx")
    labels = network.with_name(f"{network.stem}.labels.txt").read_text("utf-8").split()
    digits = read_digits().test
    (answers_NK,) = onnxruntime.InferenceSession(network).run(None, {"pixels": digits.images_NSF})
    told = [labels[place] for place in np.argmax(answers_NK, axis=1)]
    champion = store.workspace.store.client.get_model_version("letters", store.champion())
    kept = store.workspace.results.file(str(champion.run_id), "test_results.csv")
    assert told == pd.read_csv(kept, dtype=str)["predicted_label"].tolist()


@pytest.mark.slow
def test_a_network_that_answers_otherwise_leaves_no_file(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def turned(model: Any, wanted: str, pixels_NSF: Any) -> tuple[bytes, Any]:
        answers_NK = model.predict(pixels_NSF, verbose=0)
        return b"a file", answers_NK + 0.0002 * (np.arange(len(answers_NK)) == 7)[:, None]

    monkeypatch.setattr(export_network, "export", turned)
    words = ("format=litert", "champion=letters", f"folder={tmp_path}", store.setting)
    ran = run("export", *words)
    assert ran.code == 2
    assert ran.errors == [
        "error: format=litert: does not answer as Keras does, so no file is written: another label "
        "for 0 of 144 validation images, probabilities differ by 2.0e-04"
    ]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("command", "words", "line"),
    [
        ("rerun", "force=true", "force: goes with register=NAME"),
        ("rerun", "register=a top=2", "register: means one trial's network, so not together"),
        ("rerun", "register=a/b", "register: must match "),
        (
            "predict",
            "image=a champion=b trial=1",
            "champion: means a registered network, so ",
        ),
    ],
)
def test_a_mistake_is_one_line(command: str, words: str, line: str) -> None:
    ran = run(command, *words.split())
    assert ran.code == 2
    (told,) = ran.errors
    assert told.startswith(f"error: {line}")
