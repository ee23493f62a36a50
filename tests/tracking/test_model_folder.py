import subprocess
import sys
from pathlib import Path

import mlflow
import numpy as np
import yaml

from mnist_seq.config import TrackingConfig
from mnist_seq.tracking.results import Results
from mnist_seq.tracking.store import Store
from mnist_seq.tracking.tracker import Tracker

IMAGES_NSF = np.random.default_rng(0).integers(0, 256, size=(5, 4, 3), dtype=np.uint8)

# Saves a small network, waits until somebody else has stored it, and loads it by its name alone.
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

model = "models:/" + input()
import mlflow.keras
mlflow.set_tracking_uri(store)
images_NSF = np.load(file + ".npy")
expected_NK = network.predict(images_NSF, verbose=0)
for load in (mlflow.keras.load_model, mlflow.pyfunc.load_model):
    np.testing.assert_array_equal(load(model).predict(images_NSF), expected_NK)
print("same")
"""


def test_a_model_kept_without_tensorflow_predicts_raw_pixels_where_there_is_tensorflow(
    tracking: TrackingConfig, tmp_path: Path
) -> None:
    file = tmp_path / "network.keras"
    np.save(f"{file}.npy", IMAGES_NSF)
    with subprocess.Popen(
        [sys.executable, "-c", SAVE_WAIT_LOAD, str(file), Store.at(tracking).address],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as keras:
        assert keras.stdout is not None
        while "saved" not in (line := keras.stdout.readline()):
            assert line, "Keras did not start"
        with Tracker(tracking) as tracker:
            run = tracker.start(tracker.experiment("study"), "training", "training", {}, {})
            run.model(file.read_bytes(), IMAGES_NSF[:2], ["a", "b", "c"], {"source": "mnist"})
            run.finish("FINISHED")
        assert run.id is not None
        info = Results(tracking).run(run.id)
        said, _ = keras.communicate(f"{info.model_id}\n", timeout=120)
    assert said.endswith("same\n")
    assert Results(tracking).model_file(run.id).read_bytes() == file.read_bytes()


def test_a_model_tells_its_input_its_classes_and_its_metrics(tracking: TrackingConfig) -> None:
    with Tracker(tracking) as tracker:
        run = tracker.start(
            tracker.experiment("study"), "trial: 1/2", "trial", {"model.units": 8}, {}
        )
        run.metrics({"best_validation_accuracy": 0.9})
        run.model(b"a network", IMAGES_NSF[:2], ["a", "b", "c"], {"source": "mnist"})
    assert run.id is not None
    results = Results(tracking)
    model_id = results.run(run.id).model_id
    assert model_id is not None
    logged = Store.at(tracking).open().get_logged_model(model_id)
    assert (logged.source_run_id, logged.status, logged.name) == (run.id, "READY", "trial- 1-2")
    assert logged.params == {"model.units": "8"}
    assert [(m.key, m.value) for m in logged.metrics or []] == [("best_validation_accuracy", 0.9)]
    folder = results.model_file(run.id).parents[1]
    model = mlflow.models.Model.load(str(folder))
    assert model.metadata == {"source": "mnist", "class_names": ["a", "b", "c"]}
    assert str(model.signature.inputs) == "[Tensor('uint8', (-1, 4, 3))]"
    assert str(model.signature.outputs) == "[Tensor('float32', (-1, 3))]"
    np.testing.assert_array_equal(model.load_input_example(str(folder)), IMAGES_NSF[:2])
    names = [line.partition("==")[0] for line in (folder / "requirements.txt").read_text().split()]
    assert names[:2] == ["mlflow", "keras"]
    assert names[2].startswith("tensorflow")
    environment = yaml.safe_load((folder / "python_env.yaml").read_text())
    assert environment["dependencies"] == ["-r requirements.txt"]
