from mnist_seq.report.analysis.diagnosis import diagnose, summary_lines
from tests.report.studies import THREE, study, wide_is_better


def test_a_command_is_given_once() -> None:
    commands = [f.command for f in diagnose(study(60, wide_is_better)) if f.command]
    assert len(commands) == len(set(commands))


def test_the_terminal_gets_a_handful_of_lines() -> None:
    lines = summary_lines(study(40, wide_is_better, space=THREE))
    assert 1 <= len(lines) <= 8
    assert any(line.endswith("Try search.space.model.units.high=256") for line in lines)
    assert all("\n" not in line for line in lines)
