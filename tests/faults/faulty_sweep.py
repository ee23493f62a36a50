"""``python -m experiments.sweep`` with the steps of `tests.faults.injected`."""

from experiments import sweep
from mnist_seq.driver import session
from tests.faults.injected import FUNCTIONS

if __name__ == "__main__":
    session.FUNCTIONS = FUNCTIONS
    sweep.main()
