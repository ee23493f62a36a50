"""What a training keeps, refuses and leaves behind."""

import tempfile
from pathlib import Path

import pytest

from mnist_seq.errors import NotFiniteError
from mnist_seq.network import program, training
from mnist_seq.records import EpochRecord, best_of, is_better
from tests import examples
from tests.examples import few
from tests.network.trainings import STANDING_STILL, config, same_arrays, trained

# --- the best epoch


def record_of(epoch: int, accuracy: float, loss: float = 1.0) -> EpochRecord:
    return EpochRecord(epoch, 1.0, 0.5, loss, accuracy, 0.01, 1.0, 1.0)


def test_of_equal_epochs_the_earliest_is_best() -> None:
    curve = [record_of(1, 0.5), record_of(2, 0.9), record_of(3, 0.9), record_of(4, 0.7)]
    assert best_of(curve, "validation_accuracy").epoch == 2
    assert best_of(curve, "validation_loss").epoch == 1
    assert not is_better(curve[2], curve[1], "validation_accuracy")


def test_the_best_epoch_has_the_least_loss_where_that_is_watched() -> None:
    curve = [record_of(1, 0.9, 0.5), record_of(2, 0.5, 0.2), record_of(3, 0.7, 0.3)]
    assert best_of(curve, "validation_loss").epoch == 2
    assert best_of(curve, "validation_accuracy").epoch == 1


def test_a_network_that_stands_still_is_best_at_once() -> None:
    curve = trained(config(*STANDING_STILL), few())
    assert [state.best_epoch for _, state in curve] == [1, 1, 1]


@pytest.mark.parametrize("monitor", ["validation_accuracy", "validation_loss"])
def test_the_model_is_that_of_the_best_epoch(monitor: str) -> None:
    settings = config(
        "training.learning_rate=1", "training.epochs=6", f"training.monitor={monitor}"
    )
    data = few()
    curve = trained(settings, data)
    state = curve[-1][1]
    result = training.finish(settings, data, state)
    assert (
        result.best_epoch
        == best_of([record for record, _ in curve], settings.training.monitor).epoch
    )
    assert result.best_epoch < 6, "a rate this high is to overshoot: else this claims nothing"
    assert same_arrays(state.best_weights, curve[result.best_epoch - 1][1].weights)
    answers_N = training.predict(result.model, data.validation.images_NSF).argmax(axis=1)
    accuracy = (answers_N == data.validation.labels_N).mean()
    assert accuracy == pytest.approx(result.best.validation_accuracy, abs=1e-6)
    assert result.records == state.records


# --- what cannot be trained


def test_a_loss_that_is_not_finite_is_said_with_its_epoch_and_settings() -> None:
    # LAMB's step is as long as the weights themselves times the rate: they grow without end.
    settings = config("training.optimizer=lamb", "training.learning_rate=100")
    with pytest.raises(
        NotFiniteError, match=r"not finite after epoch 2 .*batch_size 28, learning_rate 100\)"
    ):
        trained(settings, few())


# --- programs are kept


def test_one_program_serves_all_that_do_not_change_its_shape() -> None:
    data = few()
    one = program.program_for(config("training.clip_norm=1.0"), data)
    for override in (
        "training.learning_rate=0.02",
        "seed=1",
        "training.schedule=cosine",
        "training.clip_norm=2.0",
        "training.epochs=1",
        "training.monitor=validation_loss",
    ):
        settings = config("training.clip_norm=1.0", override)
        trained(settings, data)
        assert program.program_for(settings, data) is one
    assert one._train.experimental_get_tracing_count() == 1
    assert one._logits.experimental_get_tracing_count() == 1


@pytest.mark.parametrize(
    "override",
    [
        "model.units=7",
        "training.batch_size=50",
        "training.optimizer=sgd",
        "training.clip_norm=1.0",
    ],
)
def test_what_changes_the_shape_has_a_program_of_its_own(override: str) -> None:
    assert program.program_for(config(override), few()) is not program.program_for(config(), few())


def test_digits_and_mnist_have_programs_of_their_own() -> None:
    small, large = (
        program.program_for(examples.config(f"data={source}"), few(source))
        for source in ("digits", "mnist")
    )
    assert small.network.model.input_shape == (None, 8, 8)
    assert large.network.model.input_shape == (None, 28, 28)


# --- leaves no trace


def test_finishing_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    settings, data = config(), few()
    result = training.finish(settings, data, trained(settings, data)[-1][1])
    assert not list(tmp_path.iterdir())
    assert result.parameters == 4 * (8 * 6 + 6 * 6 + 6) + 6 * 10 + 10
