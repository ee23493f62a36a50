from mnist_seq.report.figures.parallel_coordinates import draw_parallel_coordinates
from tests.report.studies import study


def test_lines_of_the_best_tenth_are_in_colour() -> None:
    panel = draw_parallel_coordinates(study(50))
    assert "the best 5 trials" in panel.note
