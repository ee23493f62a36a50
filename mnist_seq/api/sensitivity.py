"""What changing one hyperparameter at a time has shown."""

from dataclasses import dataclass

import pandas as pd

from mnist_seq.driver.sensitivity import SensitivityResult
from mnist_seq.driver.written_page import WrittenPage


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """Response curves around the config of an earlier run.

    Attributes
    ----------
    study : str
        The study's name.
    run : str
        Name of the run whose config was varied.
    objective : str
        What was measured: ``validation_accuracy`` or ``validation_loss``.
    table : DataFrame
        One row a value of a hyperparameter, all else as chosen: mean and standard error of the
        objective over the seeds.
    page : WrittenPage
        Curves and findings; a notebook shows it whole.
    """

    study: str
    run: str
    objective: str
    table: pd.DataFrame
    page: WrittenPage

    @property
    def findings(self) -> tuple[str, ...]:
        """A sentence for each hyperparameter and each pair."""
        return self.page.findings

    def __repr__(self) -> str:
        return f"{self.study}, around {self.run}\n{self.table}\n{self.page}"

    def _repr_html_(self) -> str:
        return self.page._repr_html_()


def as_sensitivity(result: SensitivityResult) -> Sensitivity:
    """Return what the driver has measured, as an object to work with."""
    measured = result.analysis.measured
    rows = [
        {
            "hyperparameter": curve.path,
            "value": value,
            measured.objective: curve.mean_V[place],
            "standard_error": curve.error_V[place],
            "chosen": place == curve.chosen,
        }
        for curve in result.analysis.curves
        for place, value in enumerate(curve.values)
    ]
    return Sensitivity(
        result.study, result.source.name, measured.objective, pd.DataFrame(rows), result.page
    )
