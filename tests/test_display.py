from mnist_seq.display import Board
from mnist_seq.records import Ending, EpochRecord, TrainResult
from mnist_seq.roles import Trial
from mnist_seq.space import with_values
from tests.examples import config

RECORD = EpochRecord(1, 0.1, 0.9, 0.1, 0.97, 0.001, 1.0, 100.0)


def test_the_board_keeps_the_figures_of_a_trial_but_not_its_network() -> None:
    board = Board(1, "validation_accuracy")
    network = TrainResult((RECORD,), 1, 10, bytes(2**20))
    trial = Trial(0, with_values(config(), {}), {})
    board.ended(trial, Ending("complete", (RECORD,), RECORD, network))
    ((_, kept),) = board.endings.values()
    assert kept == Ending("complete", (RECORD,), RECORD, None)
