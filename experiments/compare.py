"""Put studies beside each other: ``python -m experiments.compare studies=[a,b]``."""

from mnist_seq.commands.compare import main

if __name__ == "__main__":
    main()
