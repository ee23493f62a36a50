"""Start the scheduler of a cluster: ``python -m experiments.scheduler``."""

import experiments  # noqa: F401 -- run by its path, this file ends there
from mnist_seq.commands.scheduler import main

if __name__ == "__main__":
    main()
