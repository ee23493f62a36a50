from tests.report.inside.networks import reading


def test_examples_go_round_the_classes_and_the_wrong_are_sorted_by_confidence() -> None:
    # Right: 0 and 1 (ape), 2 (bee), 5 and 7 (cat). Wrong: 3 at 0.7, 4 at 0.95, 6 at 0.5.
    assert reading().examples(4).tolist() == [0, 2, 5, 1]
    assert reading().examples(99).tolist() == [0, 2, 5, 1, 7, 3, 4, 6]
    assert reading().confidently_wrong(2).tolist() == [4, 3]
