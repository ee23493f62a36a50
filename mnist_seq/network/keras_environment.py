"""Environment variables that Keras reads when it is loaded; the user's own have no influence."""

from pathlib import Path

KERAS_ENVIRONMENT = {
    "KERAS_BACKEND": "tensorflow",
    # In place of ~/.keras: the user's keras.json may name another float type.
    "KERAS_HOME": str(Path(__file__).with_name("keras_home")),
    "KERAS_NNX_ENABLED": "false",
}
