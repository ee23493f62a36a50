"""The trials of a search: what the study suggests, as configs, and what became of them."""

import hashlib
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any, Protocol

from mnist_seq.config import Range, SweepConfig, flatten
from mnist_seq.errors import ConfigError
from mnist_seq.records import Ending, EpochRecord, best_of
from mnist_seq.roles import Trial
from mnist_seq.space import Values, is_active, ordered, own_settings, value_at, with_values


class Study(Protocol):
    """The search's memory; `mnist_seq.study.Study` keeps it in Optuna."""

    @property
    def next_number(self) -> int: ...

    def ask(self, fixed: Values | None = None) -> Any: ...

    def take_up(self) -> list[Any]: ...

    def finished(self) -> list[Any]: ...

    def report(self, number: int, epoch: int, value: float) -> bool: ...

    def note(self, number: int, **attributes: Any) -> None: ...

    def complete(self, number: int, value: float) -> None: ...

    def prune(self, number: int) -> None: ...

    def fail(self, number: int, reason: str) -> None: ...


class SearchTrials:
    """Trials until the study has as many as were asked for, or the time is over.

    Parameters
    ----------
    study : Study
        Suggests, and keeps what became of it.
    config : SweepConfig
        The settings that are not searched, and the search's own.
    """

    def __init__(self, study: Study, config: SweepConfig) -> None:
        self._study = study
        self._config = config
        self._search = config.search
        self._unfinished = {s.number: s.values for s in study.take_up()}
        self._began = time.monotonic()
        over = study.finished()
        self._reasons = [done.reason or "" for done in over if done.state == "failed"]
        self._any_success = len(self._reasons) < len(over)

    @property
    def given_up(self) -> str | None:
        """Why no more trials are started, if all so far failed alike."""
        kinds = {reason.partition(":")[0] for reason in self._reasons}
        most = self._search.max_failures
        if self._any_success or len(self._reasons) < most or len(kinds) > 1:
            return None
        return (
            f"the first {len(self._reasons)} trials all failed alike, and search.max_failures is "
            f"{most}: {self._reasons[-1]}"
        )

    def finished(self) -> list[tuple[Trial, Ending]]:
        """Trials of earlier sessions that are over, without their networks."""
        return ended_trials(self._config, self._study.finished())

    def left_behind(self, endings: Mapping[int, Ending]) -> list[Trial]:
        """Trials that ended in an earlier session; the study is told if it does not know."""
        known = {done.number: done.values for done in self._study.finished()} | self._unfinished
        trials = []
        for number, ending in endings.items():
            trial = _trial(self._config, number, known[number])
            if self._unfinished.pop(number, None) is not None:
                for epoch in range(1, len(ending.records) + 1):  # the last may not be written yet
                    best = best_of(ending.records[:epoch], trial.config.training.monitor)
                    self.is_hopeless(trial, best, epoch)
                self.end(trial, ending)
            trials.append(trial)
        return trials

    def next(self) -> Trial | None:
        """The next trial to start: first those that an earlier session left unfinished."""
        while True:
            if self._unfinished:
                number = min(self._unfinished)
                values = self._unfinished.pop(number)
            else:
                number = self._study.next_number
                if number >= self._search.trials or self._is_late() or self.given_up:
                    return None
                suggestion = self._study.ask(self._baseline(number))
                if suggestion is None:
                    return None
                values = suggestion.values
            try:
                return _trial(self._config, number, values)
            except ConfigError as error:  # two values that are refused only together
                self._fail(number, f"refused config: {error}")

    def is_hopeless(self, trial: Trial, best: EpochRecord, epoch: int) -> bool:
        """Report a trial's best so far; whether the pruner gives it up."""
        return self._study.report(trial.number, epoch, self._value(best))

    def end(self, trial: Trial, ending: Ending) -> None:
        """Tell the study."""
        self._study.note(trial.number, records=[asdict(record) for record in ending.records])
        match ending.state:
            case "complete" if ending.best is not None:
                self._any_success = True
                self._study.complete(trial.number, self._value(ending.best))
            case "pruned":
                self._any_success = True
                self._study.prune(trial.number)
            case _:
                self._fail(trial.number, ending.reason or "no epoch was finished")

    def _fail(self, number: int, reason: str) -> None:
        self._reasons.append(reason)
        self._study.fail(number, reason)

    def _value(self, record: EpochRecord) -> float:
        return float(getattr(record, self._search.objective))

    def _is_late(self) -> bool:
        limit = self._search.timeout
        return limit is not None and time.monotonic() - self._began > limit

    def _baseline(self, number: int) -> Values | None:
        if number >= len(self._search.baselines):
            return None
        fixed = self._search.baselines[number]
        values: Values = {}
        for path in ordered(self._search.space):
            if is_active(self._search.space[path], values):
                values[path] = fixed.get(path, value_at(self._config, path))
        return values


def ended_trials(config: SweepConfig, over: Iterable[Any]) -> list[tuple[Trial, Ending]]:
    """Finished trials of a study as the driver knows them, without their networks."""
    known = []
    for done in over:
        try:
            trial = _trial(config, done.number, done.values)
        except ConfigError:  # it failed for just that reason
            trial = Trial(done.number, with_values(config, {}), done.values)
        records = tuple(EpochRecord(**record) for record in done.records)
        best = best_of(records, trial.config.training.monitor) if records else None
        known.append((trial, Ending(done.state, records, best, None, done.reason)))
    return known


def _trial(config: SweepConfig, number: int, values: Values) -> Trial:
    own = own_settings(config.search.baselines, number)
    is_baseline = number < len(config.search.baselines)
    return Trial(number, with_values(config, {**values, **own}), values, not is_baseline)


def most_epochs(config: SweepConfig) -> int:
    """The most epochs that a trial may train: the budget that pruning divides."""
    dimension = config.search.space.get("training.epochs")
    if dimension is None:
        return config.training.epochs
    ends = [dimension.high] if isinstance(dimension, Range) else dimension.choices
    return max(config.training.epochs, *(int(end) for end in ends if isinstance(end, int | float)))


# Settings that may change within one study: they shape no trial's curve.
FREE = ("trials", "timeout", "retries", "max_failures")


def fixed_settings(config: SweepConfig) -> dict[str, Any]:
    """All that shapes the trials and their order, as plain nested values."""
    shape = config.model_dump(exclude={"study", "workers", "tracking"})
    for free in FREE:
        del shape["search"][free]
    return shape


def study_name(config: SweepConfig) -> str:
    """The study's name: the one given, or the data's with a digest of all that shapes the search.

    The same command with more trials, more time or other workers goes on with the same study.
    """
    if config.study is not None:
        return config.study
    text = json.dumps(fixed_settings(config), sort_keys=True)
    return f"{config.data.source}-{hashlib.blake2b(text.encode(), digest_size=3).hexdigest()}"


def check_unchanged(name: str, old: Mapping[str, Any], config: SweepConfig) -> None:
    """Refuse to go on with a study under settings that its trials did not have.

    Parameters
    ----------
    old : mapping
        The study's `fixed_settings`; those of the space may differ.

    Raises
    ------
    ConfigError
        With a line for each setting that differs.
    """
    before, now = flatten(old), flatten(fixed_settings(config))
    different = [
        path
        for path in before.keys() | now.keys()
        if before.get(path) != now.get(path) and not path.startswith("search.space.")
    ]
    if different:
        raise ConfigError(
            *(
                f"{path}: study {name} has {before.get(path)}, now it is {now.get(path)}; "
                "change it back, or name another study=..."
                for path in sorted(different)
            )
        )
