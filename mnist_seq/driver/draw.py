"""A drawing page's network: an earlier run's, which reads strokes row by row."""

from collections.abc import Sequence
from threading import Lock

from mnist_seq.config.commands import DrawConfig
from mnist_seq.data.images.form import placed
from mnist_seq.data.images.picture import WHITE
from mnist_seq.data.images.strokes import Stroke, drawn
from mnist_seq.drawing.read_drawing import ReadDrawing
from mnist_seq.driver.character_reader import CharacterReader, find_reader
from mnist_seq.driver.inspected_run import check_is_read_by_rows
from mnist_seq.driver.workspace import Workspace
from mnist_seq.network.inspection import load_network, reader_of_one


class DrawingReader:
    """Reads drawings with a run's network, loaded once.

    Parameters
    ----------
    reader : CharacterReader
        The run.

    Raises
    ------
    TrackingError
        If it has no network, or one that does not read rows with LSTMs.
    """

    def __init__(self, reader: CharacterReader) -> None:
        model = reader.config.model
        check_is_read_by_rows(reader.run.name, model)
        file = reader.workspace.results.model_file(reader.run.id)
        network = load_network(file, model, reader.facts.shape, len(reader.class_names))
        self._size = reader.size
        self._read = reader_of_one(network, model.readout, reader.facts.shape)
        self._lock = Lock()  # browsers ask in threads of their own

    def read(self, strokes: Sequence[Stroke]) -> ReadDrawing | None:
        """What the network sees of strokes, and believes after each row; None without any ink."""
        if not strokes:
            return None
        # Drawn, not photographed: there is no light to even out, and no ink to be found.
        image_SF = placed(WHITE - drawn(strokes).grey_HW, self._size)
        with self._lock:
            return ReadDrawing(image_SF, self._read(image_SF))


def find_drawing_reader(config: DrawConfig) -> tuple[CharacterReader, DrawingReader]:
    """The chosen network, by default of the latest study's best trial, and what reads with it.

    Raises
    ------
    TrackingError
        If it is not there, or its network cannot read what is drawn.
    """
    found = find_reader(Workspace(config.tracking), config)
    return found, DrawingReader(found)
