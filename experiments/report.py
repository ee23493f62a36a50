"""Write a study's report: ``python -m experiments.report``."""

import experiments  # noqa: F401 -- run by its path, this file ends there
from mnist_seq.commands.report import main

if __name__ == "__main__":
    main()
