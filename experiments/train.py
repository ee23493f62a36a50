"""Train once: ``python -m experiments.train``."""

import experiments  # noqa: F401 -- run by its path, this file ends there
from mnist_seq.commands.train import main

if __name__ == "__main__":
    main()
