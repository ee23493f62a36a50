"""The number of a network's trained parameters, from its config alone: Keras is not loaded."""

from mnist_seq.config.settings import ModelConfig


def trained_parameters(model: ModelConfig, steps: int, features: int, classes: int) -> int:
    """Count the weights of a network: recurrent layers, norms, attention, the last dense layer.

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
    2000: four gates, each with weights for its inputs and its states, and a bias. Cho et al.,
    "Learning Phrase Representations", 2014: the GRU, three of them, in Keras with a second bias.
    """
    if model.order != "rows":
        steps, features = features, steps + features * (model.order == "both")
    gates, biases = {"lstm": (4, 1), "gru": (3, 2), "simple_rnn": (1, 1)}[model.cell]
    directions = 2 if model.bidirectional else 1
    count, inputs = 0, features
    for _ in range(model.layers):
        count += directions * gates * model.units * (inputs + model.units + biases)
        inputs = directions * model.units
        count += 2 * inputs * model.layer_norm
    if model.readout == "attention":
        count += inputs + 1
    elif model.readout == "flatten":
        inputs *= steps
    return count + (inputs + 1) * classes
