"""Read images with a trained network: ``python -m experiments.predict``."""

import experiments  # noqa: F401 -- run by its path, this file ends there
from mnist_seq.commands.predict import main

if __name__ == "__main__":
    main()
