"""What does the driver cost, per epoch and per trial, with many workers?

    python -m benchmarks.overhead                                # 2,000 trials; 2, 16, 64 slots
    python -m benchmarks.overhead --trials 200 --earlier 1800    # the last of them alone
    python -m benchmarks.overhead --slots 64 --pace 1            # epochs take as long as they say
    python -m benchmarks.overhead --dask                         # the real workers, two of them
    python -m benchmarks.overhead --cluster 2 --slots 64         # a cluster, epochs of 2 s

Everything is real but the training: the loop, the default search in Optuna's database, the runs in
MLflow, the files of unfinished trials, the display. The slots are a calendar in this process: it
says which epoch ends next, and with ``--pace 0`` nobody waits for it, so that events come as fast
as the driver takes them. Measured is the time between two questions to the workers: wall clock,
which includes what the thread that writes MLflow takes away, and processor time of the driver's
own thread. A trial costs its ask and its end; an epoch everything from its record to the next.
"""

import argparse
import heapq
import io
import itertools
import random
import statistics
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.live import Live

from benchmarks.sleeping import Spans, cluster, idle_times, sleeping, spans_of, used
from mnist_seq.config.commands import SweepConfig
from mnist_seq.config.settings import Config, TrackingConfig
from mnist_seq.config.validation import with_values
from mnist_seq.data.dataset import Dataset
from mnist_seq.driver.checkpoints import Checkpoints
from mnist_seq.driver.loop import Driver
from mnist_seq.driver.protocols import Workers
from mnist_seq.driver.session import data_of, short_switch_interval
from mnist_seq.driver.workspace import Workspace
from mnist_seq.records import (
    Callback,
    EpochRecord,
    TrainingState,
    TrainResult,
    Trial,
    WorkerEvent,
)
from mnist_seq.search.gaussian_process import SearchSpaceEncoder
from mnist_seq.search.samplers import distributions
from mnist_seq.search.trials import StudyTrials
from mnist_seq.terminal.display import LiveDisplay
from mnist_seq.terminal.progress import Progress
from mnist_seq.tracking.provenance import provenance
from mnist_seq.tracking.sweep_recorder import SweepRecorder
from mnist_seq.tracking.tracker import Tracker
from mnist_seq.tracking.trial_recorder import TrialRecorder
from mnist_seq.workers.cluster import open_workers
from tests.examples import sweep_config

MODEL = bytes(200_000)  # about what a small network's file has
NAME = "overhead"


@dataclass
class Costs:
    """Milliseconds that the driver spent, by what for and for which trial: (wall, processor)."""

    spent: dict[str, dict[int, list[tuple[float, float]]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    _now: tuple[str, int, float, float] | None = None

    def begin(self, kind: str, number: int) -> None:
        """From here on it is for this."""
        self.pause()
        self._now = (kind, number, time.perf_counter(), time.thread_time())

    def pause(self) -> None:
        """From here on the driver waits."""
        if self._now is not None:
            kind, number, wall, processor = self._now
            self.spent[kind][number].append(
                (1e3 * (time.perf_counter() - wall), 1e3 * (time.thread_time() - processor))
            )
            self._now = None


def record_of(config: Config, number: int, epoch: int) -> EpochRecord:
    """A curve that rises as curves do, the same whenever it is asked for."""
    chance = random.Random(f"{number} {epoch}")
    rate = abs(np.log10(config.training.learning_rate) + 2.5) / 8
    height = 0.97 + 0.02 * np.log2(config.model.units) / 7 - 0.1 * rate
    accuracy = float(height - 0.4 / epoch**1.5 + chance.gauss(0, 0.002))
    seconds = 0.5 + config.model.units / 128 + 28 / config.training.batch_size
    loss = 3 * (1 - accuracy)
    return EpochRecord(
        epoch, loss, accuracy, loss, accuracy, config.training.learning_rate, seconds, 1000.0
    )


class Calendar:
    """Slots whose trainings are entries in a calendar."""

    def __init__(self, slots: int, pace: float, costs: Costs) -> None:
        self._slots, self._pace, self._costs = slots, pace, costs
        self._configs: dict[int, Config] = {}
        self._records: dict[int, tuple[EpochRecord, ...]] = {}
        self._due: list[tuple[float, int, int, WorkerEvent]] = []
        self._order = itertools.count()
        self._now = 0.0
        self._began = time.monotonic()

    @property
    def free(self) -> int:
        return self._slots - len(self._configs)

    def start(
        self, number: int, config: Config, _data: Dataset, _state: TrainingState | None = None, /
    ) -> None:
        self._configs[number], self._records[number] = config, ()

    def advance(self, number: int) -> None:
        records = self._records[number]
        record = record_of(self._configs[number], number, len(records) + 1)
        self._records[number] = (*records, record)
        self._put(number, record.seconds, record)

    def finish(self, number: int) -> None:
        records = self._records[number]
        self._put(number, 0.1, TrainResult(records, len(records), 10_000, MODEL))

    def save(self, number: int) -> None:
        """Nothing: a synthetic training has no state."""

    def drop(self, number: int) -> None:
        del self._configs[number], self._records[number]
        self._costs.begin("end", number)

    def next(self, _timeout: float, /) -> tuple[int, WorkerEvent] | None:
        self._costs.pause()
        self._now, _, number, event = heapq.heappop(self._due)
        time.sleep(max(0.0, self._began + self._pace * self._now - time.monotonic()))
        self._costs.begin("epoch" if isinstance(event, EpochRecord) else "end", number)
        return number, event

    def _put(self, number: int, seconds: float, event: WorkerEvent) -> None:
        heapq.heappush(self._due, (self._now + seconds, next(self._order), number, event))


class TimedTrials(StudyTrials):
    """Says when it is asked."""

    costs: Costs

    def next(self) -> Trial | None:
        number = self._study.next_number
        self.costs.begin("ask", number)
        return super().next()


def workspace_at(folder: Path) -> Workspace:
    """A workspace in that folder."""
    return Workspace(TrackingConfig(folder=str(folder)), create=True)


def fill(config: SweepConfig, folder: Path, trials: int) -> None:
    """Earlier trials, in the study alone: of random values, each as long as it would have been."""
    study = workspace_at(folder).open_study(config, data_of(config).digests)
    rng = np.random.default_rng(0)
    space = SearchSpaceEncoder(config.search.space, distributions(config.search.space))
    for _ in range(trials):
        asked = study.ask(space.draw(rng))
        assert asked is not None
        trained = with_values(config, asked.settings)
        for epoch in range(1, trained.training.epochs + 1):
            accuracy = record_of(trained, asked.number, epoch).validation_accuracy
            study.report(asked.number, epoch, accuracy)
            if study.should_prune(asked.number, epoch):
                study.tell(asked.number, "pruned")
                break
        else:
            study.tell(asked.number, "complete", accuracy)


def drive(workers: Workers, config: SweepConfig, folder: Path, costs: Costs) -> float:
    """A search with everything around it; seconds that MLflow was behind at its end."""
    made_by = provenance(NAME, data_of(config).digests, config.seed)
    workspace = workspace_at(folder)
    study = workspace.open_study(config, data_of(config).digests)
    trials = TimedTrials(study, config)
    trials.costs = costs
    checkpoints = Checkpoints(folder / "unfinished")
    progress = Progress(config.search.target, config.search.metric)
    screen = Console(file=io.StringIO(), force_terminal=True, width=120, height=50)
    with Tracker(workspace.store) as tracker:
        experiment = tracker.experiment(NAME)
        whole = SweepRecorder(tracker, experiment, NAME, config, progress, made_by, 100, None)
        recorder = TrialRecorder(
            tracker, experiment, "trial", data_of, made_by.tags, {}, checkpoints.delete
        )
        display = LiveDisplay(progress)
        with short_switch_interval(), Live(display, console=screen, refresh_per_second=4):
            callbacks: list[Callback] = [progress, recorder, whole]
            retries = config.search.retries
            Driver(trials, workers, callbacks, checkpoints, data_of, retries, tracker.idle).run()
        costs.pause()
        whole.finish(is_complete=True)
        began = time.monotonic()
    return time.monotonic() - began


def row(costs: Costs, kinds: tuple[str, ...], first: int, last: int) -> str:
    """Median and mean of the wall clock, mean of the processor, for some of the trials."""
    if kinds == ("epoch",):
        spent = [one for n in range(first, last) for one in costs.spent["epoch"][n]]
    else:
        spent = [
            tuple(sum(column) for column in zip(*entries, strict=True))
            for n in range(first, last)
            if (entries := [one for kind in kinds for one in costs.spent[kind][n]])
        ]
    wall, processor = zip(*spent, strict=True)
    return (
        f"{statistics.median(wall):7.1f} {statistics.mean(wall):7.1f} "
        f"{statistics.mean(processor):7.1f}"
    )


def measure(slots: int, pace: float, earlier: int, config: SweepConfig) -> None:
    """Print what one search costs."""
    costs, trials = Costs(), config.search.target
    with tempfile.TemporaryDirectory() as folder:
        fill(config, Path(folder), earlier)
        began = time.monotonic()
        behind = drive(Calendar(slots, pace, costs), config, Path(folder), costs)
        seconds = time.monotonic() - began - behind
    epochs = sum(map(len, costs.spent["epoch"].values()))
    done = trials - earlier
    print(f"\n{slots} slots, {done} trials after {earlier}, {epochs} epochs in {seconds:.0f} s")
    part = min(200, done // 2)
    parts = {
        "all": (earlier, trials),
        "first": (earlier, earlier + part),
        "last": (trials - part, trials),
    }
    print(" " * 16 + "".join(f"{f'{name} {b - a}':>26}" for name, (a, b) in parts.items()))
    print(" " * 16 + f"{'median':>10}{'mean':>8}{'cpu':>8}" * len(parts), "  ms")
    for kinds in (("epoch",), ("ask",), ("end",), ("ask", "end")):
        name = "an epoch" if kinds == ("epoch",) else f"a trial: {'+'.join(kinds)}"
        print(f"{name:16}", *(f"{row(costs, kinds, *ends):>25}" for ends in parts.values()))
    print(f"MLflow was {behind:.1f} s behind at the end", flush=True)


def measure_dask(config: SweepConfig) -> None:
    """Print how long the slots of the real workers stand idle."""
    workers = config.workers.model_copy(update={"count": 2})
    with tempfile.TemporaryDirectory() as folder, open_workers(workers, sleeping()) as pool:
        drive(pool, config, Path(folder), Costs())
        spans = spans_of(workspace_at(Path(folder)).finished_trials(NAME))
    print(f"\n2 slots of Dask, {config.search.target} trials whose epochs sleep: a slot is idle")
    print_idle(spans)


def measure_cluster(slots: int, seconds: float, config: SweepConfig) -> None:
    """Print how much of their time the slots of a cluster are used."""
    with cluster(slots) as address, tempfile.TemporaryDirectory() as folder:
        changed = {"scheduler": address, "count": None}
        workers = config.workers.model_copy(update=changed)
        with open_workers(workers, sleeping(seconds)) as pool:
            while pool.free < slots:
                time.sleep(0.1)
            began = time.process_time()
            behind = drive(pool, config, Path(folder), Costs())
            processor = time.process_time() - began
        spans = spans_of(workspace_at(Path(folder)).finished_trials(NAME))
    epochs = sum(map(len, spans.values()))
    share, lasted = used(spans)
    print(f"\n{slots} slots, {config.search.target} trials, {epochs} epochs of {seconds:g} s")
    print(f"used {share:.1%} of the slots' time in the {lasted:.0f} s while trials were left")
    print_idle(spans)
    print(f"the driver took {processor:.0f} s of a processor; MLflow was {behind:.1f} s behind")


def print_idle(spans: Spans) -> None:
    """Print how long slots stand idle."""
    for name, idle in zip(("epoch", "trial"), idle_times(spans), strict=True):
        print(
            f"between two {name}s {statistics.median(idle):6.1f} ms median, "
            f"{statistics.mean(idle):6.1f} mean"
        )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--slots", type=int, nargs="+", default=[2, 16, 64])
    parser.add_argument("--pace", type=float, default=0.0, help="1: epochs take a second or two")
    parser.add_argument("--earlier", type=int, default=0, help="trials that the study has before")
    parser.add_argument("--dask", action="store_true", help="real workers instead")
    parser.add_argument("--cluster", type=float, help="a cluster whose epochs take so many seconds")
    parser.add_argument("overrides", nargs="*", help="as on the command line: search.pruner=median")
    arguments = parser.parse_args()
    trials = arguments.earlier + arguments.trials
    search = [f"search.trials={trials}", *arguments.overrides]
    config = sweep_config("data=digits", f"study={NAME}", *search)
    if arguments.dask:
        measure_dask(config)
        return
    for slots in arguments.slots:
        if arguments.cluster:
            measure_cluster(slots, arguments.cluster, config)
        else:
            measure(slots, arguments.pace, arguments.earlier, config)


if __name__ == "__main__":
    main()
