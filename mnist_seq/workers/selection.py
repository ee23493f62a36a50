"""Which workers of a cluster may train: those that compute alike."""

import time
from collections.abc import Callable, Mapping

from mnist_seq.errors import FaultError
from mnist_seq.workers.fingerprint import PACKAGE, Fingerprint, code_digest, most_common

# How long workers that have answered wait for the others, before they are compared.
SECONDS_TO_AGREE = 60.0

Answer = Fingerprint | BaseException | None


class Selection:
    """Compares the workers of a cluster by their fingerprints, and tells of those left out.

    The first comparison, once all workers have answered, decides by majority among those with this
    process's code; later workers are held against that.

    Parameters
    ----------
    warn : callable
        Told, once for each worker, that it is left out, and why.
    leaves_out : bool
        Whether workers that compute otherwise are left out; else they are told of and used.

    Attributes
    ----------
    reference : Fingerprint or None
        What the workers in use compute with; None until it is decided.
    """

    def __init__(self, warn: Callable[[str], None], *, leaves_out: bool) -> None:
        self.reference: Fingerprint | None = None
        self._warn, self._leaves_out = warn, leaves_out
        self._told: dict[str, str] = {}
        self._first_answer: float | None = None
        self._was_used = False

    def usable(self, answers: Mapping[str, Answer]) -> set[str]:
        """Return the workers that may train.

        Parameters
        ----------
        answers : mapping
            By a worker's address: its fingerprint, why it could not load its libraries, or None
            while it has not answered.

        Raises
        ------
        FaultError
            If all have answered and not one can be used, nor has been before.
        """
        known = {slot: each for slot, each in answers.items() if isinstance(each, Fingerprint)}
        if self.reference is None:
            self._decide(known, is_whole=None not in answers.values())
        for slot, each in answers.items():
            if isinstance(each, BaseException):
                reason = _reason(each)
                self._tell(slot, reason, f"the worker at {slot} cannot be used: {reason}")
        if self.reference is None:
            used = set()
        else:
            used = {slot for slot, each in known.items() if self._is_used(slot, each)}
        self._was_used |= bool(used)
        # One that was used may come back; until then it is waited for.
        if answers and not self._was_used and None not in answers.values():
            slot = min(answers)
            raise FaultError(f"no worker can be used: {slot}: {self._told[slot]}")
        return used

    def _decide(self, known: Mapping[str, Fingerprint], *, is_whole: bool) -> None:
        if not known:
            return
        now = time.monotonic()
        self._first_answer = self._first_answer or now
        if is_whole or now - self._first_answer > SECONDS_TO_AGREE:
            in_order = [known[slot] for slot in sorted(known)]
            self.reference = most_common(in_order, code_digest())
            if self.reference is None:
                for slot, each in known.items():
                    self._tell_unlike(slot, f"code {each.code} instead of {code_digest()}")
                if not self._leaves_out:
                    self.reference = most_common(in_order, in_order[0].code)

    def _is_used(self, slot: str, found: Fingerprint) -> bool:
        if self.reference is None or found.is_like(self.reference):
            return True
        self._tell_unlike(slot, found.differences(self.reference))
        return not self._leaves_out

    def _tell_unlike(self, slot: str, reason: str) -> None:
        if self._leaves_out:
            cure = "make it like the others, or set workers.unlike=allow"
            self._tell(slot, reason, f"the worker at {slot} is left out: {reason}; {cure}")
        else:
            self._tell(slot, reason, f"the worker at {slot} is unlike the others: {reason}")

    def _tell(self, slot: str, reason: str, line: str) -> None:
        if slot not in self._told:
            self._told[slot] = reason
            self._warn(line)


def _reason(error: BaseException) -> str:
    """Why a process could not load its libraries, in one line."""
    text = " ".join(str(error).split())
    if isinstance(error, ModuleNotFoundError) and PACKAGE.name in text:
        return "this project, of this version, is not installed there"
    if "deserialization of the task graph" in text:  # Dask's own words
        return "this project, of this version, is not installed where the scheduler runs"
    return f"{type(error).__name__}: {text}"
