"""Look inside a network: ``python -m experiments.inspect``."""

import experiments  # noqa: F401 -- run by its path, this file ends there
from mnist_seq.commands.inspect import main

if __name__ == "__main__":
    main()
