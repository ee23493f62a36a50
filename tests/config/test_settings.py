from typing import Any, get_args

import pytest

from mnist_seq.commands import program
from mnist_seq.composition.compose import CONF, compose
from mnist_seq.config.commands import SweepConfig
from mnist_seq.config.settings import Augmentation, Config, flatten, value_at
from mnist_seq.config.validation import is_group, settings, validate, with_values
from mnist_seq.data.load import SOURCES
from mnist_seq.data.scaling import SCALINGS
from mnist_seq.data.validation_split import VALIDATION_SPLITS
from mnist_seq.errors import ConfigError
from mnist_seq.network.size import trained_parameters
from mnist_seq.search.space import check
from tests.examples import COMMANDS, sweep_config

# What an option cannot say by itself.
NEEDS = {
    "data=csv": ["data.train_file=a.csv", "data.test_file=b.csv"],
    "data=images": ["data.folder=letters"],
    "data=npz": ["data.train_file=letters.npz"],
    "workers=cluster": ["workers.scheduler=tcp://host:8786"],
}
SEARCHES = {f"experiment={name}" for name in ("cells", "digits", "quick", "thorough")}
OPTIONS = [f"{file.parent.name}={file.stem}" for file in sorted(CONF.glob("*/*.yaml"))]


def load_config(command: str, *overrides: str) -> Any:
    return validate(COMMANDS[command], compose(command, COMMANDS[command], overrides))


# --- the files on disk


def test_every_command_has_its_file_and_every_file_its_command() -> None:
    modules = (CONF.parent / "experiments").glob("[!_]*.py")
    in_a_clone = {module.stem for module in modules if "__main__" in module.read_text()}
    on_disk = {file.stem for file in CONF.glob("*.yaml")}
    assert in_a_clone == on_disk == set(program.COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_needs_no_setting(command: str) -> None:
    load_config(command)


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_of_a_group_composes_and_is_valid(option: str) -> None:
    group = option.partition("=")[0]
    takers = [name for name in COMMANDS if f"- {group}:" in (CONF / f"{name}.yaml").read_text()]
    assert takers, f"no command takes {group}"
    if option in SEARCHES:
        takers.remove("train")
    for name in takers:
        whole = load_config(name, option, *NEEDS.get(option, []))
        if isinstance(whole, SweepConfig):
            check(whole, whole.search)


@pytest.mark.parametrize(
    ("option", "needed"),
    [
        ("data=csv", "data.train_file and data.test_file"),
        ("data=images", "data.folder"),
        ("data=npz", "data.train_file"),
        ("workers=cluster", "workers.scheduler"),
    ],
)
def test_an_option_that_needs_more_says_so(option: str, needed: str) -> None:
    with pytest.raises(ConfigError, match=needed):
        load_config("sweep", option)


@pytest.mark.parametrize("command", ["sweep", "train", "rerun", "sensitivity"])
@pytest.mark.parametrize("setting", ["workers.count=2", "workers.memory_gib=2.5"])
def test_settings_of_local_processes_do_not_go_with_a_cluster(command: str, setting: str) -> None:
    where = "workers.scheduler=tcp://host:8786"
    load_config(command, setting)
    for cluster in (["workers=cluster", where], [where]):
        with pytest.raises(ConfigError) as refused:
            load_config(command, *cluster, setting)
        name = setting.partition("=")[0]
        rule = f"is for local processes, so not together with {where}"
        assert refused.value.problems == (f"{name}: {rule}",)
        load_config(command, *cluster, setting, f"{name}=null")


@pytest.mark.parametrize("name", ["ca_file", "cert_file", "key_file"])
def test_certificates_go_with_a_cluster(name: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load_config("train", f"workers.{name}=a.pem")
    line = f"workers.{name}: goes with workers.scheduler=tls://host:8786"
    assert refused.value.problems == (line,)


def test_an_earlier_sweep_that_gave_workers_more_than_they_heed_can_be_read() -> None:
    kept = sweep_config("workers.scheduler=tcp://host:8786").model_dump()
    kept["workers"] |= {"count": 2, "memory_gib": 2.5}
    assert validate(SweepConfig, kept).workers.count == 2


def test_files_hold_values_and_no_code() -> None:
    for file in CONF.rglob("*.yaml"):
        assert "_target_" not in file.read_text()


def test_every_setting_has_its_default_in_a_file() -> None:
    # Written down, not hidden: the YAML files alone give every value.
    for name, kind in COMMANDS.items():
        values = flatten(compose(name, kind, []), {"low", "high", "choices"})
        for path, field in settings(kind).items():
            assert path in values or is_group(field)


# --- the original experiment


def original() -> dict[str, Any]:
    """What the README tells of it; Adam, and 0.001, are what Keras took where nothing was said."""
    return {
        "data.source": "mnist",
        "data.validation_fraction": 0.1,
        "data.validation_split": "tail",
        "data.scaling": "minmax",
        "model.units": 50,
        "model.layers": 1,
        "model.bidirectional": False,
        "model.dropout": 0.0,
        "training.epochs": 500,
        "training.batch_size": 28,
        "training.learning_rate": 0.001,
        "training.optimizer": "adam",
        "training.schedule": "constant",
        "training.clip_norm": None,
        **{f"training.augmentation.{name}": 0 for name in Augmentation.model_fields},
    }


@pytest.mark.parametrize("command", ["train", "sweep"])
@pytest.mark.parametrize(
    ("experiment", "readout"), [("seed", "last"), ("seed_each_step", "each_step")]
)
def test_the_original_experiment_is_told_in_full(
    command: str, experiment: str, readout: str
) -> None:
    whole = load_config(command, f"experiment={experiment}")
    assert {path: value_at(whole, path) for path in original()} == original()
    assert whole.model.readout == readout
    assert whole.model.return_sequences == (readout == "each_step")


@pytest.mark.parametrize("command", ["train", "sweep"])
def test_a_single_lstm_reads_images_as_they_are(command: str) -> None:
    assert load_config(command, "experiment=single_lstm").training.augmentation == Augmentation()


@pytest.mark.parametrize("search", sorted(SEARCHES))
def test_a_search_is_no_single_training(search: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load_config("train", search)
    assert str(refused.value) == f"{search}: is a search, for python -m experiments.sweep"


def test_the_cells_that_are_compared_have_about_the_same_size() -> None:
    sweep = load_config("sweep", "experiment=cells")
    # By hand: 4 (28 + u + 1) u, 3 (28 + u + 2) u and (28 + u + 1) u, and 10 (u + 1) each.
    by_hand = [24458, 24458, 24385, 24385, 24436, 24436]
    configs = [with_values(sweep, baseline) for baseline in sweep.search.baselines]
    assert [trained_parameters(config.model, 28, 28, 10) for config in configs] == by_hand


def test_an_experiment_can_be_changed_from_the_command_line() -> None:
    assert load_config("train", "experiment=seed", "training.epochs=3").training.epochs == 3


def test_a_sweep_chooses_the_epoch_by_what_it_searches_for() -> None:
    whole = load_config("sweep", "search.objective=validation_loss")
    assert whole.training.monitor == "validation_loss"


# --- lists that are said twice


def literals(path: str) -> set[str]:
    return set(get_args(settings(Config)[path].annotation))


def test_names_of_data_settings_are_those_of_the_functions() -> None:
    assert literals("data.source") == set(SOURCES)
    assert literals("data.validation_split") == set(VALIDATION_SPLITS)
    assert literals("data.scaling") == set(SCALINGS)


def test_every_dataset_of_the_library_has_a_file() -> None:
    assert {file.stem for file in (CONF / "data").glob("*.yaml")} == literals("data.source")


@pytest.mark.parametrize(
    "override",
    [
        "data.train_on=train+validation",
        "search.space.data.train_on.choices=[train,train+validation]",
        "search.baselines=[{data.train_on: train+validation}]",
    ],
)
def test_a_search_does_not_train_on_what_it_chooses_by(override: str) -> None:
    with pytest.raises(ConfigError, match=r"^data.train_on: must be train: a search chooses by"):
        sweep_config(override)
