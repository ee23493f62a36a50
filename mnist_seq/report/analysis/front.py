"""The Pareto front of a search with several aims as rows of texts."""

import pandas as pd

from mnist_seq.config.settings import Cost
from mnist_seq.report.analysis import wording
from mnist_seq.report.analysis.tables import StudyTables

HEADS: dict[Cost, str] = {"parameters": "parameters", "seconds": "first epoch"}


def front_rows(tables: StudyTables) -> list[dict[str, str]]:
    """A row for each trial of the front, cheapest first: number, value, costs, settings."""
    return [
        {
            "trial": str(row["number"]),
            tables.objective.replace("_", " "): wording.value(tables.objective, row["value"]),
            **{HEADS[cost]: wording.cost(cost, row[cost]) for cost in tables.costs},
            "settings": " ".join(
                f"{path.rpartition('.')[2]}={wording.setting(row[path])}"
                for path in tables.space
                if not pd.isna(row[path])
            ),
        }
        for row in tables.front.to_dict("records")
    ]
