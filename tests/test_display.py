import pytest
from rich.console import Console

from mnist_seq.display import Board
from mnist_seq.records import Ending, EpochRecord, TrainResult
from mnist_seq.roles import Trial
from mnist_seq.space import Values, with_values
from mnist_seq.terminal import LiveDisplay
from tests.examples import config

RECORD = EpochRecord(1, 0.1, 0.9, 0.1, 0.97, 0.001, 1.0, 100.0)


def test_the_board_keeps_the_figures_of_a_trial_but_not_its_network() -> None:
    board = Board(1, "validation_accuracy")
    network = TrainResult((RECORD,), 1, 10, bytes(2**20))
    trial = Trial(0, with_values(config(), {}), {})
    board.ended(trial, Ending("complete", (RECORD,), RECORD, network))
    ((_, kept),) = board.endings.values()
    assert kept == Ending("complete", (RECORD,), RECORD, None)


@pytest.mark.parametrize("width", [80, 100, 130])
def test_on_a_narrow_terminal_the_settings_are_cut_and_say_so(width: int) -> None:
    values: Values = {f"model.setting_{number}": "a value" for number in range(9)}
    display = LiveDisplay(Board(1, "validation_accuracy"))
    trial = Trial(0, with_values(config(), {}), values)
    display.started(trial)
    display.epoch(trial, RECORD)
    terminal = Console(width=width)
    with terminal.capture() as captured:
        terminal.print(display)
    (row,) = [line for line in captured.get().splitlines() if "setting_0" in line]
    assert "97.00 %" in row
    assert "90.00 %" in row
    assert row.rstrip().endswith("…")
    assert len(row) <= width


def test_the_board_says_starting_until_an_epoch_is_over_and_training_until_a_trial_is() -> None:
    display = LiveDisplay(Board(1, "validation_accuracy"))
    trial = Trial(0, with_values(config(), {}), {})
    terminal = Console(width=100)

    def progress() -> str:
        with terminal.capture() as captured:
            terminal.print(display)
        return captured.get().splitlines()[0]

    display.started(trial)
    assert "starting" in progress()
    display.epoch(trial, RECORD)
    assert "training" in progress()
    display.ended(trial, Ending("complete", (RECORD,), RECORD))
    assert "1 complete" in progress()
