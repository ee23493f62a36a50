"""Dask's settings for the processes that this project starts: what is of no use here is off."""

from mnist_seq.workers import forkserver

DASK_SETTINGS = {
    # A lost task is ours to retry, from a saved state; Dask would run it 3 more times unasked.
    "distributed.scheduler.allowed-failures": 0,
    "distributed.worker.multiprocessing-method": forkserver.METHOD,
    # The active memory manager would drop copies of what several processes hold.
    "distributed.scheduler.active-memory-manager.start": False,
    # The profiler samples a training 100 times a second: 0.1 s before a first step.
    "distributed.worker.profile.enabled": False,
    # Workers write no files: at 60 and 70 % of their memory they would spill to disk.
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    # A worker paused at 80 % would hang: it gives nothing back. At 95 % its nanny restarts it.
    "distributed.worker.memory.pause": False,
    # Pages about the session that any local user could read.
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    # The dataset is 47 MB of MNIST, sent once; a warning comes at 10 MB.
    "distributed.admin.large-graph-warning-threshold": "1GB",
}
# Where scheduler and workers are on this machine alone, and end with the driver.
LOCAL_SETTINGS = DASK_SETTINGS | {
    # A worker that is not back 15 s after its death would be given up for good.
    "distributed.deploy.lost-worker-timeout": "1000 days",
    # Nor is one that was silent for 5 minutes: the machine was suspended, and it goes on with it.
    "distributed.scheduler.worker-ttl": None,
}
