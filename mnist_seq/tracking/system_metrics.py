"""The machine's load during a command, as MLflow's page of system metrics shows it."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil

from mnist_seq.config.settings import TrackingConfig
from mnist_seq.records import Callback, EpochRecord, Trial
from mnist_seq.tracking.runs import Run

SECONDS_BETWEEN_SAMPLES = 10.0
MEGABYTE = 1e6


class SystemMetrics(Callback):
    """Callback that writes the machine's load to a run when an epoch ends, at most every 10 s.

    MLflow's own monitor would write from a thread of its own, and give up where the database is
    locked. From one sample to the next the processor's load is a mean, all else is as it is then.

    Parameters
    ----------
    run : callable
        Returns the run, once there is an epoch.
    folder : Path
        Its disk is watched.
    seconds : float
        From one sample to the next, at least.
    """

    def __init__(
        self, run: Callable[[], Run], folder: Path, seconds: float = SECONDS_BETWEEN_SAMPLES
    ) -> None:
        self._run, self._folder, self._seconds = run, folder, seconds
        self._due = time.monotonic()
        self._received, self._sent = _network_megabytes()
        psutil.cpu_percent()  # what the next call gives is counted from here

    def on_epoch_end(self, _trial: Trial, _record: EpochRecord) -> None:
        """Write a sample, if one is due."""
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + self._seconds
            self._run().system_metrics(self._sample())

    def _sample(self) -> Mapping[str, float]:
        memory, disk = psutil.virtual_memory(), psutil.disk_usage(str(self._folder))
        received, sent = _network_megabytes()
        return {  # MLflow's own names
            "cpu_utilization_percentage": psutil.cpu_percent(),
            "system_memory_usage_megabytes": memory.used / MEGABYTE,
            "system_memory_usage_percentage": 100 * memory.used / memory.total,
            "disk_usage_percentage": disk.percent,
            "disk_usage_megabytes": disk.used / MEGABYTE,
            "disk_available_megabytes": disk.free / MEGABYTE,
            "network_receive_megabytes": received - self._received,
            "network_transmit_megabytes": sent - self._sent,
        }


def system_metrics(tracking: TrackingConfig, run: Callable[[], Run]) -> list[Callback]:
    """Return the callback that writes the machine's load to a run; none unless asked for."""
    return [SystemMetrics(run, Path(tracking.folder))] if tracking.system_metrics else []


def _network_megabytes() -> tuple[float, float]:
    """What the machine has received and sent since it was started; 0 where it has no network."""
    counters = psutil.net_io_counters()
    if counters is None:
        return 0.0, 0.0
    return counters.bytes_recv / MEGABYTE, counters.bytes_sent / MEGABYTE
