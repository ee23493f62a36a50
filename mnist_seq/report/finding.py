"""What a finding is: one thing that the diagnosis has to say."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Finding:
    """A sentence, the figures behind it, and what to do next.

    Attributes
    ----------
    kind : str
        What it is about, for programs: ``edge``, ``nothing_learned``, ...
    text : str
        Plain text, one or two sentences, numbers included.
    figure : dict of str to float or str
        The numbers behind it, by name; accuracies and shares are fractions.
    command : str or None
        Overrides for the command line of the next sweep.
    """

    kind: str
    text: str
    figure: dict[str, float | str] = field(default_factory=dict)
    command: str | None = None
