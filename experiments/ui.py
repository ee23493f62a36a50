"""Look at the runs: ``python -m experiments.ui``."""

from mnist_seq.commands.ui import main

if __name__ == "__main__":
    main()
