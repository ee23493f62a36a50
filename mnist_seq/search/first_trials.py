"""The best trials of an earlier study, to be tried first in a new one."""

from optuna.trial import TrialState

from mnist_seq.config.commands import SweepConfig
from mnist_seq.config.settings import Values
from mnist_seq.errors import ConfigError
from mnist_seq.search.limits import within_size
from mnist_seq.search.migration import known_settings, settings_in_space
from mnist_seq.search.storage import StudyStorage
from mnist_seq.search.study_settings import searched_baseline

MOST = 3


def first_trials(storage: StudyStorage, config: SweepConfig) -> list[Values]:
    """Values of an earlier study's best complete trials, inside the space and the limit of size.

    Returns
    -------
    list of dict
        Best first, at most `MOST`; without those of the search's own baselines.

    Raises
    ------
    ConfigError
        If there is no such study.
    """
    name = config.search.start_from
    if name is None:
        return []
    if storage.open(name) is None:
        place = config.search.storage or config.tracking.folder
        raise ConfigError(f"search.start_from: {name} is no study in {place}")
    search = storage.attributes()["settings"]["search"]
    complete = [trial for trial in storage.trials() if trial.state == TrialState.COMPLETE]
    is_loss = "validation_loss" in search["objective"]  # which is a text or a list of them
    complete.sort(key=lambda trial: trial.values[0], reverse=not is_loss)
    tried = [searched_baseline(config, number) for number in range(len(config.search.baselines))]
    is_allowed = within_size(config.search.limits, config)
    first: list[Values] = []
    for trial in complete:
        known = known_settings(trial, search["baselines"], config.search.space)
        values = settings_in_space(known, config)
        if values is None or values in [*tried, *first]:
            continue
        if is_allowed is None or is_allowed(values):
            first.append(values)
    return first[:MOST]
