"""Draw a character and watch a network read it: ``python -m experiments.draw``."""

import experiments  # noqa: F401 -- run by its path, this file ends there
from mnist_seq.commands.draw import main

if __name__ == "__main__":
    main()
