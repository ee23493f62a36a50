"""The tables of a report, read back from their HTML."""

import re
from dataclasses import replace

from mnist_seq.report.analysis import wording
from mnist_seq.report.pages.trial_tables import comparison_table, failures_table, trials_table
from tests.report.studies import BASELINE, THREE, mixed, study


def test_settings_in_which_best_and_baseline_differ_are_in_bold() -> None:
    baseline = {"model.units": 16, "training.learning_rate": 1e-4, "training.batch_size": 28}
    tables = study(20, space=THREE, baseline=baseline)
    assert tables.best is not None
    rows = dict(re.findall(r'<tr><th scope="row">(.*?)</th>(.*?)</tr>', comparison_table(tables)))
    assert rows["trial"].count('href="#trial-') == 2
    assert f">{tables.best.number}</a>" in rows["trial"]
    units = tables.best.settings["model.units"]
    differing = f'<td class="differs">{units}</td><td class="differs">16</td>'
    assert rows["model.<wbr>units"] == differing
    assert "differs" not in rows["best epoch"]


def test_every_trial_has_a_row_the_best_first() -> None:
    tables = study(30, baseline=BASELINE, states=mixed)
    rows = re.findall(r'<tr id="trial-(\d+)"( class="best")?>', trials_table(tables))
    scored = tables.trials[tables.trials["state"] != "failed"]
    in_order = scored.sort_values("value", ascending=False)["number"]
    numbers = [int(number) for number, _ in rows]
    assert numbers[: len(in_order)] == list(in_order)
    assert sorted(numbers) == list(range(30))
    assert tables.best is not None
    assert [int(n) for n, is_best in rows if is_best] == [tables.best.number]


def test_what_is_missing_is_a_dash() -> None:
    tables = study(1, states=["failed"])
    unknown = replace(tables, trials=tables.trials.assign(run_id=None, reason=None, epochs=None))
    cells = re.findall(r"<td.*?>(.*?)</td>", failures_table(unknown))
    assert cells[:4] == ["0", "unknown", wording.NONE, wording.NONE]
