"""Write a Keras model in MLflow's model format without importing Keras or TensorFlow."""

import json
import platform
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import numpy as np
import yaml
from mlflow.models import Model, ModelSignature
from mlflow.types import ColSpec, DataType, Schema, TensorSpec
from mlflow.types.schema import Map

from mnist_seq.data.pixel_format import Pixels
from mnist_seq.tracking.provenance import installed_version

MODEL_FILE = "data/model.keras"
DESCRIPTION_FILE = "MLmodel"  # which MLflow reads first
CODE = Path(__file__).with_name("labelled_network.py")  # which runs where the model is loaded
EXAMPLE_FILE, SERVING_FILE = "input_example.json", "serving_input_example.json"
ANSWERS = Schema(
    [
        ColSpec(DataType.string, "label"),
        ColSpec(DataType.double, "probability"),
        ColSpec(Map(DataType.double), "probabilities"),
    ]
)


@dataclass(frozen=True)
class ModelFacts:
    """What is known of a kept model without loading it.

    Attributes
    ----------
    class_names : tuple of str
        In the order of its outputs.
    shape : (int, int)
        Rows of an image, and pixels of a row.
    dtype : numpy.dtype
        Of the pixels: uint8 or float32.
    """

    class_names: tuple[str, ...]
    shape: tuple[int, int]
    dtype: np.dtype[Any]


def model_facts(folder: Path) -> ModelFacts:
    """Read what a model folder says of its model.

    Raises
    ------
    MlflowException, KeyError, ValueError, TypeError
        If the folder is not one that `write_model_folder` has made.
    """
    model = Model.load(str(folder))
    (inputs,) = model.signature.inputs
    rows, pixels = inputs.shape[1:]
    names = (model.metadata or {})["class_names"]
    return ModelFacts(tuple(names), (rows, pixels), inputs.type)


def write_model_folder(
    folder: Path,
    keras_file: bytes,
    example_NSF: Pixels,
    class_names: Sequence[str],
    metadata: Mapping[str, Any],
    **names: Any,
) -> None:
    """Write the folder that ``mlflow.keras.save_model`` would, from a saved Keras file.

    ``mlflow.keras`` loads the bare network, ``mlflow.pyfunc`` one that answers with labels.

    Parameters
    ----------
    folder : Path
        An empty folder.
    keras_file : bytes
        What ``keras.Model.save`` writes; takes images as in the example, returns float32 (N, K).
    example_NSF : uint8 or float32, shape (N, S, F)
        A few images, as their source writes them, that the model page shows and a server can be
        tried with.
    class_names : sequence of str
        K names, in the order of the network's outputs.
    metadata : mapping
        Plain values, kept in the folder's ``MLmodel`` file beside the class names.
    **names
        ``run_id`` and ``model_id``: what MLflow calls the run and the model.
    """
    model = Model(
        signature=ModelSignature(
            Schema([TensorSpec(example_NSF.dtype, (-1, *example_NSF.shape[1:]))]), ANSWERS
        ),
        saved_input_example_info={
            "artifact_path": EXAMPLE_FILE,
            "serving_input_path": SERVING_FILE,
            "type": "ndarray",
        },
        metadata={**metadata, "class_names": list(class_names)},
        **names,
    )
    model.add_flavor(
        "keras",
        data="data",
        keras_version=version("keras"),
        keras_backend="tensorflow",
        save_exported_model=False,
    )
    mlflow.pyfunc.add_to_model(
        model,
        loader_module="mlflow.pyfunc.loaders.code_model",
        model_code_path=CODE.name,
        conda_env="conda.yaml",
        python_env="python_env.yaml",
    )
    shutil.copyfile(CODE, folder / CODE.name)
    (folder / "data").mkdir()
    (folder / "data" / "keras_module.txt").write_text("keras")
    (folder / MODEL_FILE).write_bytes(keras_file)
    example = example_NSF.tolist()
    (folder / EXAMPLE_FILE).write_text(json.dumps(example))
    (folder / SERVING_FILE).write_text(json.dumps({"inputs": example}, indent=2))
    _write_environment(folder)
    files = [path for path in folder.rglob("*") if path.is_file()]
    model.model_size_bytes = sum(path.stat().st_size for path in files)
    model.save(str(folder / DESCRIPTION_FILE))


def _write_environment(folder: Path) -> None:
    """Write the package versions in the three formats MLflow reads (pip, conda, virtualenv)."""
    # One of the two is installed: the build for the CPU alone is half the size.
    tensorflow = "tensorflow-cpu" if installed_version("tensorflow-cpu") else "tensorflow"
    requirements = [f"{name}=={version(name)}" for name in ("mlflow", "keras", tensorflow)]
    python, pip = platform.python_version(), installed_version("pip")
    conda = {
        "name": "mlflow-env",
        "channels": ["conda-forge"],
        "dependencies": [f"python={python}", "pip", {"pip": requirements}],
    }
    plain = {
        "python": python,
        "build_dependencies": [f"pip=={pip}" if pip else "pip", "setuptools", "wheel"],
        "dependencies": ["-r requirements.txt"],
    }
    (folder / "requirements.txt").write_text("\n".join(requirements))
    (folder / "conda.yaml").write_text(yaml.safe_dump(conda, sort_keys=False))
    (folder / "python_env.yaml").write_text(yaml.safe_dump(plain, sort_keys=False))
