"""Look at the images before anything is trained: ``python -m experiments.data``."""

import experiments  # noqa: F401 -- run by its path, this file ends there
from mnist_seq.commands.data import main

if __name__ == "__main__":
    main()
