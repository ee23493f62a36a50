from typing import Any

import pytest


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is in the heat maps and lines that are drawn, to look at."""
    from matplotlib.figure import Figure

    figures: list[Any] = []
    whole = Figure.savefig

    def savefig(figure: Any, *arguments: Any, **options: Any) -> None:
        figures.append(figure)
        whole(figure, *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", savefig)
    return figures
