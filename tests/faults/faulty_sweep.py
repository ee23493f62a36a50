"""``python -m experiments.sweep`` with the steps of `tests.faults.injected`."""

from experiments import _session, sweep
from tests.faults.injected import STEPS

if __name__ == "__main__":
    _session.STEPS = STEPS
    sweep.main()
