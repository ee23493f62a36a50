"""What MLflow runs to load a kept network: it answers with labels, not with bare numbers.

A copy of this file lies in each model's folder and knows nothing of this package: MLflow, Keras and
TensorFlow are all that it needs.

Shape suffixes: N images, S steps (rows), F features (pixels a row), K classes.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np
from mlflow.models import Model, set_model
from mlflow.pyfunc.model import PythonModel

FOLDER = Path(__file__).parent


class LabelledNetwork(PythonModel):
    """A network that says of each image its label, and the probability of every class."""

    def load_context(self, context: Any) -> None:  # noqa: ARG002  MLflow names it
        """Load the network beside this file in Keras' safe mode, which runs no code from it."""
        os.environ["KERAS_BACKEND"] = "tensorflow"
        import mlflow.keras

        self._network = mlflow.keras.load_model(str(FOLDER))
        self._names_K = (Model.load(str(FOLDER)).metadata or {})["class_names"]

    def predict(
        self,
        context: Any,  # noqa: ARG002
        # Not NDArray[…]: MLflow would take that for a type that it is to check, and warn.
        model_input: np.ndarray,
        params: Any = None,  # noqa: ARG002
    ) -> list[dict[str, Any]]:
        """Return the label and the class probabilities of each image.

        Parameters
        ----------
        model_input : array, shape (N, S, F)
            Raw pixels, as the data's source writes them.

        Returns
        -------
        list of dict
            ``label``, its ``probability``, and the ``probabilities`` of all classes by name.
        """
        probabilities_NK = self._network.predict(model_input, verbose=0).astype(float)
        return [
            {
                "label": self._names_K[int(row_K.argmax())],
                "probability": float(row_K.max()),
                "probabilities": dict(zip(self._names_K, row_K.tolist(), strict=True)),
            }
            for row_K in probabilities_NK
        ]


set_model(LabelledNetwork())
