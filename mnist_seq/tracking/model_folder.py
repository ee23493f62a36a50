"""A network as MLflow's own kind of model folder, written without Keras or TensorFlow."""

import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import numpy as np
import yaml
from mlflow.models import Model, ModelSignature
from mlflow.models.utils import _save_example
from mlflow.types import Schema, TensorSpec
from numpy.typing import NDArray

MODEL_FILE = "data/model.keras"


def write_model_folder(
    folder: Path,
    keras_file: bytes,
    example_NSF: NDArray[np.uint8],
    class_names: Sequence[str],
    metadata: Mapping[str, Any],
    **names: Any,
) -> None:
    """Write what ``mlflow.keras.save_model`` would, from a saved Keras file.

    Parameters
    ----------
    folder : Path
        An empty folder.
    keras_file : bytes
        What ``keras.Model.save`` writes; takes uint8 (N, S, F), returns float32 (N, K).
    example_NSF : uint8, shape (N, S, F)
        A few images, 0-255, that the model page shows and a server can be tried with.
    class_names : sequence of str
        K names, in the order of the network's outputs.
    metadata : mapping
        Kept in the folder's ``MLmodel`` file beside the class names.
    **names
        ``run_id``, ``model_id`` and ``artifact_path``, where MLflow knows the model already.
    """
    _, S, F = example_NSF.shape
    model = Model(
        signature=ModelSignature(
            inputs=Schema([TensorSpec(np.dtype(np.uint8), (-1, S, F))]),
            outputs=Schema([TensorSpec(np.dtype(np.float32), (-1, len(class_names)))]),
        ),
        metadata={**metadata, "class_names": list(class_names)},
        **names,
    )
    (folder / "data").mkdir()
    (folder / "data" / "keras_module.txt").write_text("keras")
    (folder / MODEL_FILE).write_bytes(keras_file)
    _save_example(model, example_NSF, str(folder))
    model.add_flavor(
        "keras",
        data="data",
        keras_version=version("keras"),
        keras_backend="tensorflow",
        save_exported_model=False,
    )
    mlflow.pyfunc.add_to_model(
        model, loader_module="mlflow.keras", conda_env="conda.yaml", python_env="python_env.yaml"
    )
    _write_environment(folder)
    files = [path for path in folder.rglob("*") if path.is_file()]
    model.model_size_bytes = sum(path.stat().st_size for path in files)
    model.save(str(folder / "MLmodel"))


def _write_environment(folder: Path) -> None:
    """The versions that the model was made with, in the three forms that MLflow reads."""
    requirements = [f"{name}=={version(name)}" for name in ("mlflow", "keras", _tensorflow())]
    python, pip = platform.python_version(), f"pip=={version('pip')}" if _has("pip") else "pip"
    conda = {
        "name": "mlflow-env",
        "channels": ["conda-forge"],
        "dependencies": [f"python={python}", "pip", {"pip": requirements}],
    }
    plain = {
        "python": python,
        "build_dependencies": [pip, "setuptools", "wheel"],
        "dependencies": ["-r requirements.txt"],
    }
    (folder / "requirements.txt").write_text("\n".join(requirements))
    (folder / "conda.yaml").write_text(yaml.safe_dump(conda, sort_keys=False))
    (folder / "python_env.yaml").write_text(yaml.safe_dump(plain, sort_keys=False))


def _tensorflow() -> str:
    """The name under which TensorFlow is installed here."""
    return "tensorflow-cpu" if _has("tensorflow-cpu") else "tensorflow"


def _has(distribution: str) -> bool:
    try:
        version(distribution)
    except PackageNotFoundError:
        return False
    return True
