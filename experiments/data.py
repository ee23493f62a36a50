"""Look at the images before anything is trained: ``python -m experiments.data``."""

from mnist_seq.commands.data import main

if __name__ == "__main__":
    main()
