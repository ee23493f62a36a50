"""All findings on a study, in the order in which the report shows them.

A search always has a winner, so most of this is about what the winner does not show: whether it
leads by more than luck, whether anything explains the lead, whether better lies outside.
"""

from dataclasses import replace

from mnist_seq.report.analysis import findings
from mnist_seq.report.analysis.hyperparameter_findings import undecided, unimportant, what_matters
from mnist_seq.report.analysis.tables import StudyTables
from mnist_seq.report.analysis.training_findings import best_epochs, overfitting

SUMMARY_LINES = 8


def diagnose(tables: StudyTables) -> list[findings.Finding]:
    """All findings, the most consequential first; repeated commands are removed."""
    found = [
        *findings.against_baseline(tables),
        *what_matters(tables),
        *best_epochs(tables),
        *overfitting(tables),
        *findings.still_gaining(tables),
        *unimportant(tables),
        *undecided(tables),
        *findings.failures(tables),
        *findings.infeasible_trials(tables),
        *findings.prunings(tables),
    ]
    commands = [finding.command for finding in found]
    return [
        replace(finding, command=None) if finding.command in commands[:place] else finding
        for place, finding in enumerate(found)
    ]


def summary_lines(tables: StudyTables) -> list[str]:
    """The first findings, each with its suggested command, one line each for a terminal."""
    return [
        f"{finding.text}{f' Try {finding.command}' if finding.command else ''}"
        for finding in diagnose(tables)[:SUMMARY_LINES]
    ]
