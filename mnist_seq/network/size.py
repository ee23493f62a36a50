"""The number of a network's trained parameters, from its config alone: Keras is not loaded."""

from mnist_seq.config import ModelConfig


def trained_parameters(model: ModelConfig, steps: int, features: int, classes: int) -> int:
    """Count the weights of a network: LSTM layers, attention and the last dense layer.

    Parameters
    ----------
    model : ModelConfig
        The architecture.
    steps, features : int
        Rows of an image, and pixels in a row.
    classes : int
        How many there are.

    References
    ----------
    Hochreiter & Schmidhuber, "Long Short-Term Memory", 1997, with the forget gate of Gers et al.,
    2000: four gates, each with weights for its inputs and its states, and a bias.
    """
    directions = 2 if model.bidirectional else 1
    count, inputs = 0, features
    for _ in range(model.layers):
        count += directions * 4 * model.units * (inputs + model.units + 1)
        inputs = directions * model.units
    if model.readout == "attention":
        count += inputs + 1
    elif model.readout == "flatten":
        inputs *= steps
    return count + (inputs + 1) * classes
