from datetime import UTC, datetime

from mnist_seq.driver.register import best_by_validation
from mnist_seq.tracking.results import StoredRun


def a_run(run_id: str, accuracy: float, loss: float, test: float) -> StoredRun:
    metrics = {
        "best_validation_accuracy": accuracy,
        "best_validation_loss": loss,
        "test_accuracy": test,
    }
    when = datetime(2026, 1, 1, tzinfo=UTC)
    return StoredRun(run_id, "1", "rerun 0", "FINISHED", "rerun", {}, metrics, {}, when, None, None)


def test_a_seed_is_chosen_by_the_validation_images_whatever_the_test_images_say() -> None:
    runs = [a_run("a", 0.90, 0.30, 0.99), a_run("b", 0.92, 0.40, 0.80), a_run("c", 0.92, 0.20, 0.9)]
    assert best_by_validation(runs, "validation_accuracy").id == "b"
    assert best_by_validation(runs, "validation_loss").id == "c"
