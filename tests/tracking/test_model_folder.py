import subprocess
import sys
from pathlib import Path

import mlflow
import numpy as np
import pytest
import yaml

from mnist_seq.tracking.results import Results
from mnist_seq.tracking.store import Store
from mnist_seq.tracking.tracker import Tracker

IMAGES_NSF = np.random.default_rng(0).integers(0, 256, size=(5, 4, 3), dtype=np.uint8)

# Saves a small network, also in MLflow's way; waits until somebody else has stored it, and loads
# it by its name alone.
SAVE_WAIT_LOAD = """
import os, sys
os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "TQDM_DISABLE": "1"}
import keras
import numpy as np

file, store = sys.argv[1:]
layers = [keras.layers.Rescaling(1 / 255), keras.layers.LSTM(2), keras.layers.Dense(3, "softmax")]
network = keras.Sequential([keras.Input((4, 3), dtype="uint8"), *layers])
network.save(file)
print("saved", flush=True)

import mlflow.keras, mlflow.keras.utils
images_NSF = np.load(file + ".npy")
signature = mlflow.keras.utils.get_model_signature(network)
folder = file + ".folder"
os.mkdir(folder)
example = {"signature": signature, "input_example": images_NSF[:2]}
mlflow.keras.save_model(network, folder, pip_requirements=[], **example)
model = "models:/" + input()
mlflow.set_tracking_uri(store)
expected_NK = network.predict(images_NSF, verbose=0)
np.testing.assert_array_equal(mlflow.keras.load_model(model).predict(images_NSF), expected_NK)
answers = mlflow.pyfunc.load_model(model).predict(images_NSF)
for answer, expected_K in zip(answers, expected_NK.astype(float), strict=True):
    best = "ક b c".split()[expected_K.argmax()]
    assert (answer["label"], answer["probability"]) == (best, expected_K.max())
    assert answer["probabilities"] == dict(zip("ક b c".split(), expected_K))
assert "mnist_seq" not in sys.modules
print("same")
"""


@pytest.mark.slow
def test_a_model_kept_without_tensorflow_is_as_mlflow_saves_it_and_predicts_raw_pixels(
    store: Store, tmp_path: Path
) -> None:
    file = tmp_path / "network.keras"
    np.save(f"{file}.npy", IMAGES_NSF)
    with subprocess.Popen(
        [sys.executable, "-c", SAVE_WAIT_LOAD, str(file), store.address],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as keras:
        assert keras.stdout is not None
        while "saved" not in (line := keras.stdout.readline()):
            assert line, "Keras did not start"
        with Tracker(store) as tracker:
            run = tracker.start(tracker.experiment("study"), "training", "training", {}, {})
            run.model(file.read_bytes(), IMAGES_NSF[:2], ["ક", "b", "c"], {"source": "mnist"})
            run.finish("FINISHED")
        assert run.id is not None
        info = Results(store).run(run.id)
        said, _ = keras.communicate(f"{info.model_id}\n", timeout=120)
    assert said.endswith("same\n")
    assert Results(store).model_file(run.id).read_bytes() == file.read_bytes()
    ours, theirs = Results(store).model_file(run.id).parents[1], Path(f"{file}.folder")
    files = [{path.relative_to(f) for path in f.rglob("*")} for f in (ours, theirs)]
    # Loading it has left the one; the other answers with labels.
    more = {Path("registered_model_meta"), Path("labelled_network.py")}
    assert {file for file in files[0] if "__pycache__" not in file.parts} - more == files[1]
    for name in ("input_example.json", "serving_input_example.json"):
        assert (ours / name).read_text() == (theirs / name).read_text()
    our_model, their_model = (mlflow.models.Model.load(str(folder)) for folder in (ours, theirs))
    assert our_model.saved_input_example_info == their_model.saved_input_example_info
    assert our_model.flavors["keras"] == their_model.flavors["keras"]
    assert our_model.signature.inputs == their_model.signature.inputs


def test_a_model_tells_its_input_its_classes_and_its_metrics(store: Store) -> None:
    with Tracker(store) as tracker:
        run = tracker.start(
            tracker.experiment("study"), "trial: 1/2", "trial", {"model.units": 8}, {}
        )
        run.metrics({"best_validation_accuracy": 0.9})
        run.model(b"a network", IMAGES_NSF[:2], ["a", "b", "c"], {"source": "mnist"})
    assert run.id is not None
    results = Results(store)
    model_id = results.run(run.id).model_id
    assert model_id is not None
    logged = store.client.get_logged_model(model_id)
    assert (logged.source_run_id, logged.status, logged.name) == (run.id, "READY", "trial- 1-2")
    assert logged.params == {"model.units": "8"}
    assert [(m.key, m.value) for m in logged.metrics or []] == [("best_validation_accuracy", 0.9)]
    folder = results.model_file(run.id).parents[1]
    model = mlflow.models.Model.load(str(folder))
    assert model.metadata == {"source": "mnist", "class_names": ["a", "b", "c"]}
    assert str(model.signature.inputs) == "[Tensor('uint8', (-1, 4, 3))]"
    assert model.signature.outputs.input_names() == ["label", "probability", "probabilities"]
    np.testing.assert_array_equal(model.load_input_example(str(folder)), IMAGES_NSF[:2])
    names = [line.partition("==")[0] for line in (folder / "requirements.txt").read_text().split()]
    assert names[:2] == ["mlflow", "keras"]
    assert names[2].startswith("tensorflow")
    environment = yaml.safe_load((folder / "python_env.yaml").read_text())
    assert environment["dependencies"] == ["-r requirements.txt"]
