"""Write a study as tables: ``python -m experiments.export``."""

import experiments  # noqa: F401 -- run by its path, this file ends there
from mnist_seq.commands.export import main

if __name__ == "__main__":
    main()
