"""``python -m experiments.sweep`` with the steps of `tests.faults.injected`."""

from mnist_seq.commands.sweep import main
from mnist_seq.driver import session
from tests.faults.injected import FUNCTIONS

if __name__ == "__main__":
    session.FUNCTIONS = FUNCTIONS
    main()
