"""Read images with a trained network: ``python -m experiments.predict``."""

from mnist_seq.commands.predict import main

if __name__ == "__main__":
    main()
