"""The number of trained parameters, counted by formula, is what Keras counts."""

from typing import Any, get_args

import numpy as np
import pytest

from mnist_seq.config.settings import Cell, Order, Readout
from mnist_seq.network.model import build
from mnist_seq.network.size import trained_parameters
from tests.examples import config


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("readout", get_args(Readout))
def test_the_count_is_that_of_keras(readout: str, bidirectional: Any, layers: int) -> None:
    model = config(
        f"model.return_sequences={str(readout != 'last').lower()}",
        f"model.readout={readout}",
        f"model.layers={layers}",
        f"model.bidirectional={str(bidirectional).lower()}",
        "model.dropout=0.2",
    ).model
    shape = (7, 5)
    network = build(model, np.zeros(shape, "float32"), np.ones(shape, "float32"), classes=3)
    assert trained_parameters(model, *shape, 3) == network.model.count_params()


@pytest.mark.parametrize("order", get_args(Order))
@pytest.mark.parametrize("cell", get_args(Cell))
def test_the_count_is_that_of_keras_for_every_cell_and_order(cell: str, order: str) -> None:
    model = config(
        *(f"model.cell={cell}", f"model.order={order}", "model.layer_norm=true", "model.layers=2"),
    ).model
    shape = (6, 6) if order == "both" else (7, 5)
    network = build(model, np.zeros(shape, "float32"), np.ones(shape, "float32"), classes=3)
    assert trained_parameters(model, *shape, 3) == network.model.count_params()
