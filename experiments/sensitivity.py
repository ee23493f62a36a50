"""Change one hyperparameter at a time: ``python -m experiments.sensitivity``."""

from mnist_seq.commands.sensitivity import main

if __name__ == "__main__":
    main()
