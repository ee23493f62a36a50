from mnist_seq.config.search import Choices, Range
from mnist_seq.report.analysis.hyperparameters import activity, hyperparameter
from mnist_seq.report.figures.scales import hyperparameter_ticks
from tests.report.studies import study


def test_a_child_is_active_only_where_its_parent_says_so() -> None:
    tables = study(40)
    active = activity(tables, tables.scored, "model.readout")
    assert list(active) == [bool(v) for v in tables.scored["model.return_sequences"]]
    assert list(hyperparameter(tables, "model.readout").active) == list(active)


def test_a_choice_stands_at_its_index_in_the_order_of_numbers() -> None:
    tables = study(20, space={"training.batch_size": Choices(choices=[64, 28, 256])})
    found = hyperparameter(tables, "training.batch_size")
    assert found.categories == (28, 64, 256)
    by_hand = [[28, 64, 256].index(v) for v in tables.scored["training.batch_size"]]
    assert list(found.positions) == by_hand


def test_null_may_be_a_choice() -> None:
    space = {"training.clip_norm": Choices(choices=[None, 1.0])}
    tables = study(20, lambda _: 0.9, space=space)
    found = hyperparameter(tables, "training.clip_norm")
    assert found.active.all()
    assert hyperparameter_ticks(found)[1] == ["null", "1"]


def test_a_baseline_outside_the_range_stays_in_the_picture() -> None:
    space = {"model.units": Range(low=64, high=128)}
    tables = study(10, space=space, law=lambda _: 0.9, baseline={"model.units": 16})
    found = hyperparameter(tables, "model.units")
    assert found.frame[0] < 16


def test_a_fractional_setting_has_fractions_whatever_its_ends_are_written_like() -> None:
    space = {"model.dropout": Range(low=0, high=1), "model.units": Range(low=16.0, high=64.0)}
    tables = study(10, space=space, law=lambda _: 0.9)
    dropout, units = (hyperparameter(tables, path) for path in space)
    assert (dropout.whole, units.whole) == (False, True)
    assert hyperparameter_ticks(dropout)[1] == ["0", "0.2", "0.4", "0.6", "0.8", "1"]


def test_a_whole_number_comes_back_from_a_logarithm_as_it_was() -> None:
    space = {"training.batch_size": Range(low=28, high=1024, log=True)}
    found = hyperparameter(study(10, space=space, law=lambda _: 0.9), "training.batch_size")
    assert [found.value(found.position(value)) for value in (28, 1000, 1024)] == [28, 1000, 1024]
