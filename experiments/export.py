"""Write a study as tables: ``python -m experiments.export``."""

from mnist_seq.commands.export import main

if __name__ == "__main__":
    main()
