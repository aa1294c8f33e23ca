"""The same command again and again, as operators and scripts give it, and what became of it."""

import concurrent.futures
import math
import subprocess
import threading
import time

import cluster


MOST = 40  # under way at a time: at 50 ms each, they then take two seconds and more


class Commands:
    """`with Commands(cluster, "node", "list") as commands:` starts one every `interval`, also
    while others have not ended, up to MOST of them; leaving it waits for all.

    `cluster`: a CuratorCluster, whose tool is taken as it is at each start. A command has its
    default timeout. `looks_right(stdout)`: what else a success must be.

    Threads: one that starts them, and one for each that runs. Shutdown: leaving the block.
    """

    def __init__(self, curators, *args, interval=0.05, looks_right=lambda stdout: True):
        self._curators, self._args, self._interval = curators, args, interval
        self._looks_right = looks_right
        self._stop = threading.Event()
        self._pool = concurrent.futures.ThreadPoolExecutor(MOST)
        self._places = threading.Semaphore(MOST)
        self._thread = threading.Thread(target=self._start_again_and_again)
        self._lock = threading.Lock()
        self._runs = []   # (began, ended)
        self.failures = []

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        self._pool.shutdown()

    def _start_again_and_again(self):
        due = time.monotonic()
        while not self._stop.wait(max(0, due - time.monotonic())):
            if self._places.acquire(timeout=self._interval):
                self._pool.submit(self._run)
            due = max(due + self._interval, time.monotonic())

    def _run(self):
        began = time.monotonic()
        try:
            result = cluster.run(*self._curators.command(self._curators.addresses(), *self._args),
                                 env=self._curators.environment())
            failure = None
            if result.returncode != 0:
                failure = f"exit {result.returncode}: {result.stderr}"
            elif not self._looks_right(result.stdout):
                failure = f"exit 0, and yet: {result.stdout!r}"
        except (OSError, subprocess.SubprocessError) as error:
            failure = repr(error)
        ended = time.monotonic()
        self._places.release()
        with self._lock:
            self._runs.append((began, ended))
            if failure is not None:
                self.failures.append(f"after {ended - began:.2f} s: {failure}")

    def count(self):
        with self._lock:
            return len(self._runs)

    def seconds(self, share, since=0.0):
        """So long took that share (0.99) of the commands that began after `since`, at most."""
        with self._lock:
            took = sorted(ended - began for began, ended in self._runs if began >= since)
        return took[max(0, math.ceil(share * len(took)) - 1)] if took else 0.0

    def longest_gap(self):
        """The longest time in which none ended."""
        with self._lock:
            ends = sorted(ended for _, ended in self._runs)
        return max((b - a for a, b in zip(ends, ends[1:])), default=0.0)

    def report(self):
        return (f"{self.count()} commands, {len(self.failures)} failed, median "
                f"{1000 * self.seconds(0.5):.0f} ms, p99 {1000 * self.seconds(0.99):.0f} ms, max "
                f"{1000 * self.seconds(1):.0f} ms, longest gap {1000 * self.longest_gap():.0f} ms")
