"""Hyperparameter experiments with LSTMs that read images row by row."""

__version__ = "0.1.0"
