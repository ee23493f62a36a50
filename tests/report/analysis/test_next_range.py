import pytest

from mnist_seq.config.search import Choices, Range
from mnist_seq.report.analysis.next_range import Side, edges, widened
from tests.report.studies import Settings, study, unit

POWERS = Range(low=16, high=128, log=True)


@pytest.mark.parametrize(
    ("path", "dimension", "side", "override"),
    [
        ("model.units", POWERS, "high", "search.space.model.units.high=256"),
        ("model.units", POWERS, "low", "search.space.model.units.low=8"),
        (
            "training.learning_rate",
            Range(low=1e-4, high=1e-2, log=True),
            "high",
            "search.space.training.learning_rate.high=0.1",
        ),
        ("training.epochs", Range(low=3, high=12), "high", "search.space.training.epochs.high=16"),
        ("training.epochs", Range(low=1, high=9), "low", None),  # no training of 0 epochs
        ("model.dropout", Range(low=0.0, high=0.5), "low", None),  # dropout ends at 0
        ("model.dropout", Range(low=0.0, high=0.9), "high", None),  # and below 1
        (
            "training.batch_size",
            Choices(choices=[28, 64, 128, 256]),
            "high",
            "'search.space.training.batch_size.choices=[28,64,128,256,512]'",
        ),
        ("model.units", Range(low=2, high=2048, log=True), "high", None),  # the setting's end
    ],
)
def test_an_end_moves_as_far_as_its_setting_allows(
    path: str, dimension: Range | Choices, side: Side, override: str | None
) -> None:
    assert widened(path, dimension, side) == override


def test_a_best_in_the_middle_is_at_no_edge() -> None:
    def hill(settings: Settings) -> float:
        return 0.99 - 0.1 * (unit(POWERS, settings["model.units"]) - 0.5) ** 2

    assert not list(edges(study(60, hill, space={"model.units": POWERS}, binomial=False)))


def test_names_have_no_edge() -> None:
    space = {"model.readout": Choices(choices=["mean", "max", "flatten"])}
    tables = study(60, lambda s: 0.9 + 0.05 * (s["model.readout"] == "mean"), space=space)
    assert not list(edges(tables))
