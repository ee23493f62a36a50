import numpy as np

from mnist_seq.metrics.pareto import pareto_front


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
    chosen = pareto_front(costs[:, None], merits)
    assert {(costs[i], merits[i]) for i in chosen} == by_hand
    assert len(chosen) == len(by_hand)
