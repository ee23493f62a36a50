"""The program ``mnist-seq``."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import mnist_seq
from tests.experiments.commands import ROOT

PROGRAM = "from mnist_seq.commands.program import main; main()"


def ran(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """The program with the words, as its own script would run it."""
    code = f"import sys; sys.argv[:] = ['mnist-seq', *{list(words)!r}]; {PROGRAM}"
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_a_command_speaks_of_the_program_it_was_started_with(tmp_path: Path) -> None:
    told = ran("sweep", "--help", folder=tmp_path)
    assert told.stdout.startswith("usage: mnist-seq sweep [key=value ...]")
    assert "  mnist-seq sweep data=digits" in told.stdout
    assert "python -m" not in told.stdout
    refused = ran("rerun", folder=tmp_path)
    assert refused.returncode == 2
    assert refused.stderr.endswith("mlruns: start with mnist-seq sweep\n")


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ((), 0, "usage: mnist-seq command"),
        (("--help",), 0, "usage: mnist-seq command"),
        (("--version",), 0, f"{mnist_seq.__version__}\n"),
        (("sweeep",), 2, "error: 'sweeep': is not a command; must be sweep, "),
        (("sweep", "model.unit=3"), 2, "error: model.unit: is not a setting; did you mean"),
    ],
)
def test_what_it_says_of_itself(
    words: tuple[str, ...], code: int, says: str, tmp_path: Path
) -> None:
    done = ran(*words, folder=tmp_path)
    assert done.returncode == code
    assert (done.stderr if code else done.stdout).startswith(says)


def test_an_output_that_is_full_is_one_line(tmp_path: Path) -> None:
    code = f"import sys; sys.argv[:] = ['mnist-seq', '--help']; {PROGRAM}"
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            env={"PYTHONPATH": str(ROOT)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (2, "error: cannot write: No space left on device\n")


COMPLETE = """
compopt() { :; }
COMP_LINE="$1" COMP_POINT=${#1} COMP_CWORD=$2
read -ra COMP_WORDS <<< "$1"
_mnist_seq
echo "${COMPREPLY[*]}"
"""


@pytest.mark.parametrize(
    ("line", "word", "completed"),
    [
        ("mnist-seq sw", 1, "sweep"),
        ("mnist-seq sweep data=d", 4, "digits"),
        ("mnist-seq sweep search.tri", 2, "search.trials="),
        ("mnist-seq train model.return_sequences=", 4, "true false"),
        ("mnist-seq train search.", 2, ""),
        ("mnist-seq report --j", 2, "--json"),
    ],
)
def test_bash_completes_commands_and_settings(
    line: str, word: int, completed: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    script = tmp_path_factory.getbasetemp() / "completion.bash"
    if not script.exists():
        script.write_text(ran("--completion", folder=ROOT).stdout + COMPLETE)
    bash = ["bash", str(script), line, str(word)]
    done = subprocess.run(bash, capture_output=True, text=True, check=True)
    assert (done.stdout.strip(), done.stderr) == (completed, "")


@pytest.mark.slow
def test_the_wheel_works_in_an_empty_folder(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
    site, empty = tmp_path / "site", tmp_path / "empty"
    empty.mkdir()
    subprocess.run([*pip, "wheel", "--no-deps", "-w", str(tmp_path), str(ROOT)], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", str(site), str(wheel)], check=True)
    done = subprocess.run(
        [str(site / "bin" / "mnist-seq"), "sweep", "data=digits", "search.trials=2"],
        cwd=empty,
        env={"PYTHONPATH": str(site), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "  mnist-seq rerun study=digits-" in done.stdout
    assert [each.name for each in empty.iterdir()] == ["mlruns"]
