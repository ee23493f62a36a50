import pytest

from mnist_seq.config.settings import Cell, ModelConfig, Order
from mnist_seq.driver.inspected_run import check_is_read_by_rows
from mnist_seq.errors import TrackingError


def model(cell: Cell = "lstm", order: Order = "rows") -> ModelConfig:
    return ModelConfig(
        cell=cell,
        order=order,
        units=8,
        layers=1,
        bidirectional=False,
        dropout=0,
        return_sequences=False,
        readout="last",
    )


@pytest.mark.parametrize(
    ("network", "has"),
    [
        (model(cell="gru"), "model.cell=gru"),
        (model(order="both"), "model.order=both"),
    ],
)
def test_a_network_that_is_not_followed_row_by_row_is_refused(
    network: ModelConfig, has: str
) -> None:
    check_is_read_by_rows("mine", model())
    with pytest.raises(TrackingError, match=f"^run mine: has {has}; only networks with "):
        check_is_read_by_rows("mine", network)
