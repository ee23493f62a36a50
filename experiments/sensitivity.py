"""Change one hyperparameter at a time: ``python -m experiments.sensitivity``."""

import experiments  # noqa: F401 -- run by its path, this file ends there
from mnist_seq.commands.sensitivity import main

if __name__ == "__main__":
    main()
