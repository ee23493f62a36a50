"""Look at the runs: ``python -m experiments.ui``."""

import experiments  # noqa: F401 -- run by its path, this file ends there
from mnist_seq.commands.ui import main

if __name__ == "__main__":
    main()
