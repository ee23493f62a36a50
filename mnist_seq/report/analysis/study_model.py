"""A study's learning curves, modelled: what any settings would reach, and how sure that is.

References
----------
Efron & Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 6: trials are drawn with
replacement, and what changes from sample to sample is not known yet.

Shao & Wu, "A general theory for jackknife variance estimation", Annals of Statistics 17 (1989):
here a trial that is drawn twice counts once, and samples of m of n trials change less than that, by
(n - m) / m in the variance.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from mnist_seq.report.analysis.coordinates import Settings, SettingsEncoder
from mnist_seq.report.analysis.hyperparameters import Hyperparameter, activity, hyperparameters
from mnist_seq.report.analysis.one_thread import in_one_thread
from mnist_seq.report.analysis.response_model import Indices, Numbers, ResponseModel
from mnist_seq.report.analysis.tables import StudyTables

LEAST_TRIALS = 8
SAMPLES = 24
DRAWN = 1 - 1 / math.e  # share of the trials that is drawn into a sample at all
FOLDS = 10
MOST_OBSERVATIONS = 200  # a fit takes the cube of them; of more, a few of each trial are kept
LEAST_LOSS = 1e-4  # zero has no logarithm
EPOCHS = "training.epochs"


@dataclass(frozen=True, eq=False)
class StudyModel:
    """Models of a study's log error, fitted to its learning curves.

    Attributes
    ----------
    searched : list of Hyperparameter
        Those that differ between the trials, each after those that it depends on.
    encoder : SettingsEncoder
        Of these.
    trials : list of settings
        Of the T trials in the model.
    model : ResponseModel
        Fitted to all trials.
    samples : list of ResponseModel
        Fitted to bootstrap samples of the trials.
    explained : float
        Share of the differences between trials left out whole, at the same progress of training,
        that their other settings explain; at or below 0 if nothing was learned.
    largest_error : float
        1 if it is a share of the images, infinity if it is a loss.
    """

    searched: list[Hyperparameter]
    encoder: SettingsEncoder
    trials: list[Settings]
    model: ResponseModel
    samples: list[ResponseModel]
    explained: float
    largest_error: float

    def means(self, variants: Sequence[Sequence[Settings]]) -> Numbers:
        """Mean log error of each of G lists of settings after a whole training, shape (G,)."""
        return np.array(
            [
                self.model.mean(after_training(self.encoder.encode(group))).mean()
                for group in variants
            ]
        )

    def averages(self, variants: Sequence[Sequence[Settings]]) -> tuple[Numbers, Numbers]:
        """Mean log error of each of G lists of settings after a whole training.

        Returns
        -------
        tuple of float64, shapes (G,) and (G, G)
            Means and their covariance, of the model and over bootstrap samples together.
        """
        points = np.array([after_training(self.encoder.encode(group)) for group in variants])
        mean, covariance = self.model.averages(points)
        flat = points.reshape(-1, points.shape[2])
        resampled = [
            model.mean(flat).reshape(points.shape[:2]).mean(axis=1) for model in self.samples
        ]
        change = np.array(resampled) - mean
        return mean, covariance + DRAWN / (1 - DRAWN) * change.T @ change / len(change)


@lru_cache(maxsize=2)
@in_one_thread
def study_model(tables: StudyTables) -> StudyModel | None:
    """Model a study's learning curves; None if the trials are too few or do not differ.

    Trials whose settings differ in what is not searched, as a baseline's may, are left out. Kept
    for the latest tables: the findings and several figures ask for it.
    """
    trials_alike = comparable(tables)
    is_alike = tables.scored.index.isin(trials_alike.index)
    searched = [
        h for h in hyperparameters(tables) if len(np.unique(h.positions[h.active & is_alike])) > 1
    ]
    searched.sort(key=lambda h: len(_ancestors(tables, h.path)))
    if len(trials_alike) < LEAST_TRIALS or not searched:
        return None
    encoder = SettingsEncoder(searched)
    trials = _settings(tables, trials_alike, searched)
    rows = encoder.encode(trials)
    progress, log_errors, trial_of = _observations(tables, trials_alike)
    if np.ptp(log_errors) == 0:
        return None
    inputs = np.column_stack([rows[trial_of], progress])
    groups = [*encoder.groups.values(), np.array([inputs.shape[1] - 1])]
    model = ResponseModel(inputs, log_errors, trial_of, groups)

    random = np.random.default_rng(0)
    samples = []
    for _ in range(SAMPLES):
        drawn = np.unique(random.integers(len(trials), size=len(trials)))
        seen = np.isin(trial_of, drawn)
        samples.append(ResponseModel(inputs[seen], log_errors[seen], trial_of[seen], groups, model))
    schedule = [
        groups[-1],
        *(group for path, group in encoder.groups.items() if path == EPOCHS),
    ]
    explained = 1 - (
        _error_on_others(inputs, log_errors, trial_of, groups, model)
        / _error_on_others(inputs, log_errors, trial_of, schedule)
    )
    largest = 1.0 if tables.maximised else math.inf
    return StudyModel(searched, encoder, trials, model, samples, explained, largest)


def comparable(tables: StudyTables) -> pd.DataFrame:
    """Scored trials with the usual value of all that is not searched; a sample if very many."""
    trials = tables.scored
    for path in tables.unsearched:
        usual = trials[path].mode(dropna=False)
        if len(usual):
            value = usual.iloc[0]
            trials = trials[trials[path].isna() if pd.isna(value) else trials[path] == value]
    if len(trials) > MOST_OBSERVATIONS:
        trials = trials.sample(MOST_OBSERVATIONS, random_state=0).sort_index()
    return trials


def _ancestors(tables: StudyTables, path: str) -> set[str]:
    """The searched hyperparameters whose values decide whether this one is active."""
    parents = tables.space[path].when.keys() & tables.space.keys()
    return parents.union(*(_ancestors(tables, parent) for parent in parents))


def _settings(
    tables: StudyTables, trials: pd.DataFrame, searched: Sequence[Hyperparameter]
) -> list[Settings]:
    active = {h.path: activity(tables, trials, h.path) for h in searched}
    return [
        {
            path: None if pd.isna(row[path]) else row[path]
            for path, mask in active.items()
            if mask[place]
        }
        for place, row in enumerate(trials.to_dict("records"))
    ]


def _observations(tables: StudyTables, trials: pd.DataFrame) -> tuple[Numbers, Numbers, Indices]:
    """Progress of training, log of the lowest error so far, and trial of each epoch.

    An error of zero, which has no logarithm, counts as half an image wrong.
    """
    most = max(1, MOST_OBSERVATIONS // len(trials))
    least = 0.5 / tables.validation_images if tables.maximised else LEAST_LOSS
    progress, log_errors, trial_of = [], [], []
    for place, trial in enumerate(trials.to_dict("records")):
        values = tables.curve(int(trial["number"]))[tables.objective].to_numpy(float)
        errors = np.fmin.accumulate(1 - values if tables.maximised else values)
        for epoch in _kept(len(errors), most):
            if math.isfinite(errors[epoch - 1]):
                progress.append(_progress(epoch / trial["planned_epochs"]))
                log_errors.append(math.log(max(errors[epoch - 1], least)))
                trial_of.append(place)
    return np.array(progress), np.array(log_errors), np.array(trial_of, dtype=np.intp)


def _kept(epochs: int, most: int) -> list[int]:
    """Which epochs of a curve are observed: all, or the last and a few evenly spread ones."""
    return sorted({math.ceil(epochs * (k + 1) / most) for k in range(most)} if epochs else set())


def _progress(share: float) -> float:
    """Coordinate of the trained share of a training: 1 at its end, 0 at a tenth of it."""
    return 1 + math.log10(share)


def after_training(rows: Numbers) -> Numbers:
    """Append the coordinate of a whole training to encoded settings."""
    return np.column_stack([rows, np.full(len(rows), _progress(1.0))])


def _error_on_others(
    inputs: Numbers,
    log_errors: Numbers,
    trial_of: Indices,
    groups: list[Indices],
    model: ResponseModel | None = None,
) -> float:
    """Squared error in tenfold cross-validation by whole trials, each with the same weight."""
    start = model or ResponseModel(inputs, log_errors, trial_of, groups)
    trials = np.random.default_rng(0).permutation(np.unique(trial_of))
    total = 0.0
    for left_out in np.array_split(trials, min(FOLDS, len(trials))):
        out = np.isin(trial_of, left_out)
        others = ResponseModel(inputs[~out], log_errors[~out], trial_of[~out], groups, start)
        squared = (others.mean(inputs[out]) - log_errors[out]) ** 2
        total += float(pd.Series(squared).groupby(trial_of[out]).mean().sum())
    return total
