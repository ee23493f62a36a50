import numpy as np
import pytest

from mnist_seq.report import best_epochs, parallel_coordinates
from mnist_seq.report.cost import front
from mnist_seq.report.pairs import BANDWIDTH, local_mean
from tests.report.studies import study


def test_the_front_is_what_nothing_dominates() -> None:
    random = np.random.default_rng(0)
    costs, merits = random.random(60).round(1), random.random(60).round(1)
    by_hand = {
        (c, m)
        for c, m in zip(costs, merits, strict=True)
        if not any(
            (c2 <= c and m2 >= m) and (c2 < c or m2 > m)
            for c2, m2 in zip(costs, merits, strict=True)
        )
    }
    chosen = front(costs, merits)
    assert {(costs[i], merits[i]) for i in chosen} == by_hand
    assert len(chosen) == len(by_hand)


def test_a_map_is_the_weighted_mean_of_the_trials_around() -> None:
    zero, one = np.zeros(1), np.ones(1)
    x = np.array([0.0, BANDWIDTH])
    there = local_mean(x, np.zeros(2), np.array([1.0, 3.0]), zero, zero)
    weight = np.exp(-0.5)  # of the trial one bandwidth away
    assert there == pytest.approx((1 + 3 * weight) / (1 + weight))
    assert np.isnan(local_mean(x, np.zeros(2), np.array([1.0, 3.0]), one, one)).all()


def test_best_epochs_are_counted_at_the_end() -> None:
    (panel,) = best_epochs.draw(study(12))  # these curves are best in their last epoch
    assert "12 trials of 12 were best in their very last epoch" in panel.note


def test_lines_of_the_best_tenth_are_in_colour() -> None:
    (panel,) = parallel_coordinates.draw(study(50))
    assert "the best 5 trials" in panel.note
