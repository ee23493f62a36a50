"""Look at the runs."""

from collections.abc import Iterator, Mapping

from mnist_seq.commands.command import Made, command
from mnist_seq.commands.output import Ui
from mnist_seq.config.commands import UiConfig


@command(UiConfig)
def main(config: UiConfig, _typed: str) -> Iterator[Made]:
    """Serve MLflow's pages on this machine, and print the addresses of a study's runs."""
    from mnist_seq.driver.signals import stop_when_asked
    from mnist_seq.driver.workspace import Workspace
    from mnist_seq.terminal.display import console
    from mnist_seq.tracking.ui import addresses, local_address, serve_ui, wait_until_stopped

    workspace = Workspace(config.tracking)
    study = workspace.experiment(config.study)
    if workspace.store.server is not None:
        found = addresses(study, workspace.store.server)
        _print(study.name, found)
        yield lambda: Ui(study=study.study, addresses=found)
        return
    with (
        stop_when_asked() as is_stopped,
        serve_ui(workspace.store, config.port, is_stopped) as (port, server),
    ):
        found = addresses(study, local_address(port))
        _print(study.name, found)
        console.print("[dim]Ctrl-C ends it.[/]")
        yield lambda: Ui(study=study.study, addresses=found)
        wait_until_stopped(server, is_stopped)


def _print(study: str, found: Mapping[str, str]) -> None:
    from mnist_seq.terminal.display import console, plain

    console.print(f"[bold]{plain(study)}[/]")
    for name, address in found.items():
        console.print(f"  {name:11}  {address}", soft_wrap=True)
