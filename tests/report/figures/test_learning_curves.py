from mnist_seq.report.figures.learning_curves import draw_best_epochs
from tests.report.studies import study


def test_best_epochs_are_counted_at_the_end() -> None:
    panel = draw_best_epochs(study(12))  # these curves are best in their last epoch
    assert "12 trials of 12 were best in their very last epoch" in panel.note
