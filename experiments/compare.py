"""Put studies beside each other: ``python -m experiments.compare studies=[a,b]``."""

import experiments  # noqa: F401 -- run by its path, this file ends there
from mnist_seq.commands.compare import main

if __name__ == "__main__":
    main()
