"""Train a study's best configs again: ``python -m experiments.rerun``."""

import experiments  # noqa: F401 -- run by its path, this file ends there
from mnist_seq.commands.rerun import main

if __name__ == "__main__":
    main()
