"""Turns the suggestions of a study into trials, and reports their results to it."""

import contextlib
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from mnist_seq.config.commands import SweepConfig
from mnist_seq.config.settings import Values
from mnist_seq.config.validation import with_values
from mnist_seq.data.load import training_data
from mnist_seq.errors import ConfigError
from mnist_seq.metrics.classification import accuracy_standard_error
from mnist_seq.records import EpochRecord, Trial, TrialOutcome, best_of, parse_records
from mnist_seq.report.analysis import wording
from mnist_seq.search.aims import costs_of
from mnist_seq.search.finished_trial import FinishedTrial
from mnist_seq.search.limits import find_violation
from mnist_seq.search.study import Study
from mnist_seq.search.study_settings import searched_baseline, trial_config

LEAST_COMPLETE = 10  # trials, before a search ends by itself: pruned ones show too little
NEXT_TRIALS = 3  # whose gain is expected then
INFEASIBLE_AT_FIRST = 20  # so many, and nothing else: the search ends


class StudyTrials:
    """Trial source of a sweep, until the number of trials or the timeout is reached.

    Parameters
    ----------
    study : Study
        Suggests values, and keeps the results.
    config : SweepConfig
        The settings that are not searched, and the search's own.
    """

    def __init__(self, study: Study, config: SweepConfig) -> None:
        self._study = study
        self._config = config
        self._search = config.search
        self._unfinished = {s.number: s.settings for s in study.resume()}
        # All at once, so that no trial which others enqueue meanwhile takes a baseline's number.
        baselines = [searched_baseline(config, n) for n in range(len(self._search.baselines))]
        for fixed in [*baselines, *study.first][study.next_number : self._search.target]:
            if (suggestion := study.ask(fixed)) is not None:
                self._unfinished[suggestion.number] = suggestion.settings
        study.pop_refused()  # those are among the finished ones
        self._refused: set[int] = set()
        self._end: tuple[tuple[int, int], str | None] | None = None
        self._began = time.monotonic()
        finished = study.finished()
        self._reasons = [trial.reason or "" for trial in finished if trial.state == "failed"]
        self._infeasible = [t.reason or "" for t in finished if t.state == "infeasible"]
        self._any_success = len(self._reasons) + len(self._infeasible) < len(finished)

    @property
    def given_up(self) -> str | None:
        """Why the search ends early: its first trials failed alike or broke a limit; or None."""
        if self._any_success:
            return None
        beyond = len(self._infeasible)
        if not self._reasons and beyond >= min(INFEASIBLE_AT_FIRST, self._search.target):
            return (
                f"search.limits: broken by {wording.every(beyond, 'trial')}, the last one "
                f"{self._infeasible[-1]}; widen the limits, or change search.space"
            )
        kinds = {reason.partition(":")[0] for reason in self._reasons}
        most = self._search.max_failures
        if len(self._reasons) < most or len(kinds) > 1:
            return None
        count = len(self._reasons)
        failed = "trial failed" if count == 1 else f"{count} trials all failed alike"
        return f"the first {failed}, and search.max_failures is {most}: {self._reasons[-1]}"

    @property
    def end(self) -> str | None:
        """Why a search of `search.trials=auto` has ended, in one line; None if it goes on."""
        if not self._search.is_auto or self._unfinished:
            return None
        finished = self._study.finished()
        version = (len(finished), self._study.next_number)
        if self._end is None or self._end[0] != version:
            self._end = version, self._reason_to_end(finished)
        return self._end[1]

    def _reason_to_end(self, finished: Sequence[FinishedTrial]) -> str | None:
        most = self._search.most_trials
        outcomes = [outcome for _, outcome in finished_trials(self._config, finished)]
        best = [
            outcome.best.validation_accuracy
            for outcome in outcomes
            if outcome.best and outcome.state in {"complete", "pruned"}
        ]
        if sum(outcome.state == "complete" for outcome in outcomes) >= LEAST_COMPLETE:
            gain = self._study.expected_gain(NEXT_TRIALS)
            images = len(training_data(self._config.data).validation)
            noise = accuracy_standard_error(max(best), images)
            if gain is not None and gain < noise:
                return (
                    f"the search has ended: {NEXT_TRIALS} more trials are expected to gain "
                    f"{100 * gain:.2f} points; the validation images alone leave "
                    f"± {100 * noise:.2f}"
                )
        if self._study.next_number >= most:
            return f"the search has ended: search.most_trials is {most}"
        return None

    def finished(self) -> list[tuple[Trial, TrialOutcome]]:
        """Return finished trials with their outcomes, but without trained networks."""
        return finished_trials(self._config, self._study.finished())

    def recover(self, outcomes: Mapping[int, TrialOutcome]) -> list[Trial]:
        """Report outcomes of an earlier session that the study lacks; return their trials."""
        known = {done.number: done.settings for done in self._study.finished()} | self._unfinished
        trials = []
        for number, outcome in outcomes.items():
            if number not in known:  # another program's trial, and a file that is not ours
                continue
            trial = _trial(self._config, number, known[number])
            if self._unfinished.pop(number, None) is not None:
                # The last may not be stored yet; those of an infeasible trial are never reported.
                epochs = 0 if outcome.state == "infeasible" else len(outcome.records)
                for epoch in range(1, epochs + 1):
                    best = best_of(outcome.records[:epoch], trial.config.training.monitor)
                    self.report(trial, best, epoch)
                self.finish(trial, outcome)
            trials.append(trial)
        return trials

    def next(self) -> Trial | None:
        """The next trial to start: first those that were left unfinished or enqueued."""
        while True:
            self._unfinished |= {s.number: s.settings for s in self._study.resume()}
            if self._unfinished:
                number = min(self._unfinished)
                values = self._unfinished.pop(number)
            else:
                is_over = self._study.next_number >= self._search.target
                if is_over or self._is_late() or self.given_up or self.end:
                    return None
                suggestion = self._study.ask()
                if suggestion is None:
                    return None
                number, values = suggestion.number, suggestion.settings
            try:
                return _trial(self._config, number, values)
            except ConfigError as error:  # two values that are refused only together
                reason = f"refused config: {error}"
                self._fail(number, reason)
                self._refused.add(number)
                self._study.warn(f"trial {number}: failed: {reason}")

    def pop_refused(self) -> list[tuple[Trial, TrialOutcome]]:
        """Return, once, trials refused since the last call; they have failed without a start."""
        numbers, self._refused = self._refused | self._study.pop_refused(), set()
        return [ended for ended in self.finished() if ended[0].number in numbers] if numbers else []

    def report(self, trial: Trial, best: EpochRecord, epoch: int) -> None:
        """Report a trial's best epoch so far to the study."""
        # After the first epoch the best one is that one.
        costs = costs_of(self._search.costs, trial.config, best) if epoch == 1 else ()
        self._study.report(trial.number, epoch, self._value(best), costs)

    def should_prune(self, trial: Trial, epoch: int) -> bool:
        """Whether the pruner would stop a trial after an epoch that was reported."""
        return self._study.should_prune(trial.number, epoch)

    def broken_limit(self, trial: Trial, records: Sequence[EpochRecord]) -> str | None:
        """Which limit a trial breaks, as far as its curve shows it; None if it keeps to all."""
        broken = find_violation(self._search.limits, trial.config, records)
        return None if broken is None else broken.reason

    def finish(self, trial: Trial, outcome: TrialOutcome) -> None:
        """Tell the study how a trial ended."""
        records = [asdict(record) for record in outcome.records]
        match outcome.state:
            case "complete" if outcome.best is not None:
                self._any_success = True
                value = self._value(outcome.best)
                self._study.tell(trial.number, "complete", value, records=records)
            case "pruned":
                self._any_success = True
                self._study.tell(trial.number, "pruned", records=records)
            case "infeasible":
                reason = outcome.reason or ""
                self._infeasible.append(reason)
                self._study.tell(trial.number, "infeasible", records=records, reason=reason)
            case _:
                self._fail(trial.number, outcome.reason or "no epoch was finished", records=records)

    def _fail(self, number: int, reason: str, **attributes: Any) -> None:
        self._reasons.append(reason)
        self._study.tell(number, "failed", None, reason=reason, **attributes)

    def _value(self, record: EpochRecord) -> float:
        return float(getattr(record, self._search.metric))

    def _is_late(self) -> bool:
        limit = self._search.timeout
        return limit is not None and time.monotonic() - self._began > limit


def finished_trials(
    config: SweepConfig, finished: Iterable[FinishedTrial]
) -> list[tuple[Trial, TrialOutcome]]:
    """Finished trials of a study with their configs and outcomes, without their networks."""
    known = []
    for done in finished:
        try:
            trial = _trial(config, done.number, done.settings)
        except ConfigError:  # it failed for just that reason
            trial = Trial(done.number, with_values(config, {}), done.settings)
        records = parse_records(done.records)
        best = best_of(records, trial.config.training.monitor) if records else None
        known.append((trial, TrialOutcome(done.state, records, best, None, done.reason)))
    return known


def running_trials(config: SweepConfig, running: Mapping[int, Values]) -> list[Trial]:
    """Trials that have begun and not ended, with their configs; without those to be refused."""
    known = []
    for number, values in running.items():
        with contextlib.suppress(ConfigError):
            known.append(_trial(config, number, values))
    return known


def _trial(config: SweepConfig, number: int, values: Values) -> Trial:
    is_baseline = number < len(config.search.baselines)
    return Trial(number, trial_config(config, number, values), values, not is_baseline)
