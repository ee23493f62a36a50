"""Train once: ``python -m experiments.train``."""

from mnist_seq.commands.train import main

if __name__ == "__main__":
    main()
