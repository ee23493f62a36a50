"""Everything that can go wrong for a user.

MnistSeqError
├── InputError                 the user can mend it: one line, exit code 2
│   ├── ConfigError            a setting, or several: one line each
│   ├── DataError              a file or a row of it
│   ├── TrackingError          a study, a run or a store that is not there
│   ├── StoreError             a database that is locked for long, or a disk that is full
│   └── RepeatedFailureError   every trial so far failed for the same reason
├── TrainingError              one training failed; a sweep goes on without it
│   └── NotFiniteError         the loss became NaN or infinite
└── StoppedError               the user stopped the command; it can be gone on with
"""


class MnistSeqError(Exception):
    """The root: catching it catches everything this project raises on purpose."""


class InputError(MnistSeqError):
    """What the user asked for cannot be done as asked; the message says what to change."""


class ConfigError(InputError):
    """One or more settings were refused.

    Parameters
    ----------
    *problems : str
        One line for each, in the form ``path: what is wrong (got value)``.
    """

    def __init__(self, *problems: str) -> None:
        self.problems = tuple(_in_one_line(problem) for problem in problems)
        super().__init__("\n".join(self.problems))


class DataError(InputError):
    """A data file cannot be read as images; the message names the file and the row."""


class TrackingError(InputError):
    """A study, run or store that was asked for is not there or cannot be used."""


class TrainingError(MnistSeqError):
    """A training ended without a result; the message says why."""


class NotFiniteError(TrainingError):
    """The loss became NaN or infinite."""


class StoppedError(MnistSeqError):
    """The command was stopped in good order; the same command goes on."""


class StoreError(InputError):
    """Results cannot be written now; nothing is lost, and the same command goes on later."""


class RepeatedFailureError(InputError):
    """The first trials all failed for the same reason: the rest would, too."""


def _in_one_line(text: str) -> str:
    """Whatever a user has typed, with its line breaks and the like made visible."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
