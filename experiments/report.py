"""Write a study's report: ``python -m experiments.report``."""

from mnist_seq.commands.report import main

if __name__ == "__main__":
    main()
