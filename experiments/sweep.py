"""Search: ``python -m experiments.sweep``."""

import experiments  # noqa: F401 -- run by its path, this file ends there
from mnist_seq.commands.sweep import main

if __name__ == "__main__":
    main()
