"""Draw a character and watch a network read it."""

from collections.abc import Iterator
from importlib.util import find_spec

from mnist_seq.commands.command import Made, command
from mnist_seq.commands.output import Draw
from mnist_seq.config.commands import DrawConfig
from mnist_seq.errors import FaultError


@command(DrawConfig)
def main(config: DrawConfig, _typed: str) -> Iterator[Made]:
    """Serve a page on this machine: draw a character, and watch a network read it row by row.

    Examples
    --------
      python -m experiments.draw                           the best of the latest study
      python -m experiments.draw study=NAME trial=7
    """
    if find_spec("nicegui") is None:
        raise FaultError(
            "NiceGUI, which makes the page, is not installed; where mnist-seq was installed from: "
            "pip install '.[draw]'"
        )
    from mnist_seq.addresses.local_port import HOST, bound
    from mnist_seq.driver.draw import find_drawing_reader
    from mnist_seq.terminal.display import console

    with bound(config.port) as (port, taken):
        found, drawings = find_drawing_reader(config)
        found.say_what_it_is()
        from mnist_seq.drawing.page import Subject
        from mnist_seq.drawing.server import serve

        subject = Subject(
            f"{found.experiment.name}, {found.run.name}",
            found.class_names,
            found.size,
            drawings.read,
        )
        taken.listen()  # from here on a browser is not turned away, but waits
        address = f"http://{HOST}:{port}"
        console.print(f"  {address}", soft_wrap=True)
        console.print("[dim]Ctrl-C ends it.[/]")
        yield lambda: Draw(study=found.experiment.study, run_id=found.run.id, address=address)
        serve(subject, taken)
