"""Look inside a network: ``python -m experiments.inspect``."""

from mnist_seq.commands.inspect import main

if __name__ == "__main__":
    main()
