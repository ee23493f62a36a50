"""Entry points of the commands: ``python -m experiments.<command>``."""

import sys

# A command is being looked for. Before its libraries are loaded, which takes a second or more, it
# learns to end quietly.
if sys.argv[0] == "-m":
    from mnist_seq.driver.signals import leave_when_asked

    leave_when_asked()
