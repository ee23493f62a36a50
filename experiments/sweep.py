"""Search: ``python -m experiments.sweep``."""

from mnist_seq.commands.sweep import main

if __name__ == "__main__":
    main()
