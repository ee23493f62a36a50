from mnist_seq.driver.fixed_trials import FixedTrials
from tests.examples import config


def test_settings_added_later_leave_an_interrupted_command_its_name() -> None:
    # As version 0.1.0 gave it, which had no data.pixel_max, data.transpose and data.rare_classes.
    assert FixedTrials([config()]).digest == "9e1411cd01f5"


def test_another_config_is_another_command() -> None:
    digests = {FixedTrials([config(f"data.pixel_max={end}")]).digest for end in ("auto", 255, 16)}
    assert len(digests) == 3
