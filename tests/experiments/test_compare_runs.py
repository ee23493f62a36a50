"""``experiments.inspect against=...``, whole, on the digits."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from mnist_seq.config.settings import TrackingConfig
from mnist_seq.data.load import load
from mnist_seq.driver import inspected_run
from mnist_seq.driver.workspace import Workspace
from mnist_seq.metrics import classification
from mnist_seq.network.training import predict
from mnist_seq.tracking.results import Results, StoredRun
from tests.examples import config
from tests.experiments.commands import printed
from tests.experiments.commands import run as command

pytestmark = pytest.mark.slow  # half a minute of trainings

SWEEP = (
    "data=digits",
    "study=small",
    "search.trials=2",
    "search.pruner=none",
    "search.baselines=[{model.units: 4, training.epochs: 1}]",
    "search.space={model: {units: {low: 24, high: 24}}, training: {epochs: {low: 3, high: 3}}}",
    "training.learning_rate=0.02",
    "workers.count=1",
)


@dataclass(frozen=True)
class Store:
    """A tracking folder with a sweep's two trials, and a training on another split."""

    folder: Path

    @property
    def setting(self) -> str:
        return f"tracking.folder={self.folder}"

    @property
    def workspace(self) -> Workspace:
        return Workspace(TrackingConfig(folder=str(self.folder)))

    @property
    def results(self) -> Results:
        return self.workspace.results

    def trial(self, number: int) -> StoredRun:
        return dict(self.results.trials(self.results.experiment("small")))[number]

    @property
    def elsewhere(self) -> StoredRun:
        (found,) = self.results.runs(self.results.experiment("elsewhere"), "training")
        return found


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    made = Store(tmp_path_factory.mktemp("mlruns"))
    printed("sweep", *SWEEP, made.setting)
    other = ("data=digits", "data.split_seed=5", "training.epochs=1", "model.units=4")
    printed("train", "name=elsewhere", *other, "workers.count=1", made.setting)
    return made


@pytest.fixture
def no_test_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(inspected_run, "test_split")


def answers(store: Store, run: StoredRun) -> classification.Labels:
    images_NSF = load(config().data).validation.images_NSF
    model = store.results.model_file(run.id).read_bytes()
    return np.asarray(predict(model, images_NSF).argmax(axis=1))


@pytest.mark.usefixtures("no_test_images")
def test_two_networks_are_compared_on_the_validation_images_and_all_is_kept(store: Store) -> None:
    out = printed("inspect", "trial=1", "against=baseline", "images=1", store.setting)
    a, b = store.trial(1), store.trial(0)
    labels_N = load(config().data).validation.labels_N
    told_a, told_b = answers(store, a), answers(store, b)
    right_a, right_b = told_a == labels_N, told_b == labels_N
    only_a, only_b = int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum())
    assert only_a > only_b, "24 units and 3 epochs against 4 and 1"
    p = binomtest(only_b, only_a + only_b).pvalue
    assert p < 0.0001

    settings, lead, disputed, _rows = [
        line.removeprefix("- ") for line in out.splitlines() if line.startswith("- ")
    ]
    for path, values in {"model.units": (24, 4), "training.epochs": (3, 1)}.items():
        assert f"{path} ({values[0]} in A, {values[1]} in B)" in settings
    shares = [f"{100 * right.mean():.2f} %" for right in (right_a, right_b)]
    gap = 100 * (right_a.mean() - right_b.mean())
    assert lead == (
        f"validation accuracy is {shares[0]} with A, {shares[1]} with B: A leads by {gap:.2f} "
        f"points, more than luck (McNemar's exact test on the {only_a + only_b} images that only "
        "one of them has right, p < 0.0001)"
    )
    assert f"{(told_a != told_b).sum()} of {len(labels_N)} images differently" in disputed
    assert f"only A is right about {only_a}, only B about {only_b}, " in disputed

    names = f"small-trial-1-{a.id[:8]}", f"small-trial-0-{b.id[:8]}"
    page = store.folder / "reports" / f"{names[0]}-against-{names[1]}.html"
    assert f"page: {page}" in out
    kept = store.results.file(a.id, "inspect") / f"against-{names[1]}"
    assert page.read_bytes() == (kept / "compared.html").read_bytes()
    table = pd.read_csv(kept / "results.csv")
    assert table["true_label"].tolist() == labels_N.tolist()
    assert table["predicted_label_a"].tolist() == told_a.tolist()
    assert table["predicted_label_b"].tolist() == told_b.tolist()
    counts = table["result"].value_counts()
    assert (counts["only A right"], counts["only B right"]) == (only_a, only_b)
    assert counts["both right"] == (right_a & right_b).sum()
    by_row = pd.read_csv(kept / "accuracy_by_row.csv")
    np.testing.assert_allclose(
        by_row[["accuracy_a", "accuracy_b"]].iloc[-1], [right_a.mean(), right_b.mean()]
    )
    for each, accuracy in zip((a, b), by_row.iloc[-1, 1:], strict=True):
        assert accuracy == pytest.approx(each.metrics["best_validation_accuracy"], abs=1e-6)


def test_a_run_of_any_name_is_named_by_its_id_and_has_its_page_among_the_reports(
    store: Store,
) -> None:
    a, b = store.trial(0), store.trial(1)
    client = store.workspace.store.client
    client.update_run(b.id, name=f"../../<b>x [/red]\x1b[31m{'文' * 200}")
    page = store.folder / "reports"
    before = set(page.iterdir())
    out = printed("inspect", f"run={a.id}", f"against={b.id}", "images=1", store.setting)
    client.update_run(b.id, name=b.name)
    assert "B: small, ../../<b>x [/red]\\x1b[31m文" in out
    (new,) = set(page.iterdir()) - before
    assert new.name.startswith(f"small-trial-0-{a.id[:8]}-against-small-b-x-red-31m文")
    assert new.name.endswith(f"-{b.id[:8]}.html")
    assert "../../&lt;b&gt;x [/red]\\x1b[31m文" in new.read_text()


ITSELF = "is the run itself, small, trial 0; name another run"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["trial=0", "against=0"], f"against=0: {ITSELF}"),
        (["trial=0", "against=baseline"], f"against=baseline: {ITSELF}"),
        (["against=9"], "against: no trial 9 in small: it has 2"),
        (["against=" + "f" * 32], f"no run {'f' * 32} in "),
        (
            ["against=best"],
            "against: must be baseline, a trial number or an MLflow run id (got 'best')",
        ),
        (
            ["against=0", "part=test"],
            "against: networks are compared on the validation images alone (got part=test)",
        ),
        (
            ["against={elsewhere}"],
            "against={elsewhere}: elsewhere, training 0 has other validation images than small, "
            "trial 1; networks are compared on the same validation images alone",
        ),
        (["run={elsewhere}", "against=baseline"], "against=baseline: elsewhere has none; name a"),
        (["against={sweep}"], "run {sweep}: has no model"),
    ],
)
def test_what_is_no_pair_is_refused_in_one_line(words: list[str], line: str, store: Store) -> None:
    (sweep,) = store.results.runs(store.results.experiment("small"), "sweep")
    ids = {"{elsewhere}": store.elsewhere.id, "{sweep}": sweep.id}
    for name, run_id in ids.items():
        words, line = [word.replace(name, run_id) for word in words], line.replace(name, run_id)
    files = set(store.folder.rglob("*"))
    ran = command("inspect", *words, store.setting)
    assert (ran.code, len(ran.errors)) == (2, 1), ran.errors
    assert ran.errors[0].startswith(f"error: {line}")
    assert set(store.folder.rglob("*")) == files


def test_images_that_earlier_versions_noted_no_digest_of_are_compared(store: Store) -> None:
    client, run_id = store.workspace.store.client, store.elsewhere.id
    digest = store.elsewhere.tags["validation_digest"]
    client.delete_tag(run_id, "validation_digest")
    ran = command("inspect", f"against={run_id}", store.setting)
    client.set_tag(run_id, "validation_digest", digest)
    assert ran.code == 2
    (line,) = ran.errors
    assert " has other validation images than small, trial 1; " in line
