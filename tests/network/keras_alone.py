"""What a process without this project does with a saved model; imports nothing but Keras."""

import sys
from typing import Any


def answers(files: list[str], images_BSF: Any) -> list[Any]:
    """Probabilities [B, K] of each model, where nothing of this project can be imported."""
    assert "mnist_seq" not in sys.modules
    # None makes the import of a module an error; Keras loads faster without the other three.
    absent: dict[str, Any] = dict.fromkeys(["mnist_seq", "matplotlib", "pandas", "sklearn"])
    sys.modules.update(absent)
    import keras

    models = [keras.saving.load_model(file, safe_mode=True) for file in files]
    probabilities = [model(images_BSF).numpy() for model in models]
    for name in absent:
        del sys.modules[name]
    return probabilities
