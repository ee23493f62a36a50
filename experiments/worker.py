"""Let this machine train for a cluster: ``python -m experiments.worker tcp://host:8786``."""

import experiments  # noqa: F401 -- run by its path, this file ends there
from mnist_seq.commands.worker import main

if __name__ == "__main__":
    main()
