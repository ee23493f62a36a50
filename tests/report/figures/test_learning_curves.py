from dataclasses import replace

from mnist_seq.report.figures.learning_curves import draw_best_epochs
from tests.report.studies import study


def test_best_epochs_are_counted_at_the_end() -> None:
    tables = study(12)  # these curves are best in their last epoch
    note = draw_best_epochs(tables).note
    assert "12 trials of 12 were best in their very last epoch" in note
    rows = tables.trials
    rows = rows.assign(best_epoch=rows["best_epoch"].where(rows["number"] == 5, 1))
    note = draw_best_epochs(replace(tables, trials=rows)).note
    assert "1 trial of 12 was best in its very last epoch" in note
