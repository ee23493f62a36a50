"""Train the best again: ``python -m experiments.rerun``."""

from mnist_seq.commands.rerun import main

if __name__ == "__main__":
    main()
