"""Lanes: parts of one run side by side, each in a process of its own.

Small recurrent nets gain little from a second thread and much from a second process. A lane does its part as a resumed
run would and leaves checkpoints in the run's folder; whoever started the lanes then finds that part done.

The starter writes one line of JSON to a lane's stdin, what the lane is to do, and keeps the pipe open: a lane whose
stdin ends has lost its starter, and stops as on Ctrl-C. Through a second pipe a lane reports in lines of JSON, events
and perhaps an error; it ends with 0, with 2 after an error, or with 130 when it was broken off.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from queue import Empty, SimpleQueue
from typing import Any

from anaphora import errors
from anaphora.progress import Event, Progress
from anaphora.training.interrupt import Interruption

DONE, FAILED, BROKEN_OFF = 0, 2, 130
_POLL_SECONDS = 0.2
_REPORTS = "reports"  # the key of the second pipe's number


class Lane:
    """One process, seen by its starter.

    Args:
        module: what it runs, as `python -m` names it.
        work: told to it.
        threads: of its own.
    """

    def __init__(self, module: str, work: Mapping[str, Any], threads: int) -> None:
        self.fault: errors.AnaphoraError | None = None
        reading, writing = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", module],  # -P: not from the folder where the user happens to be
            stdin=subprocess.PIPE,
            pass_fds=(writing,),
            text=True,
            encoding="utf-8",
            env={**os.environ, "OMP_NUM_THREADS": str(threads)},
            start_new_session=True,  # Ctrl-C reaches the starter, which passes it on once
        )
        self._events: SimpleQueue[Event] = SimpleQueue()
        os.close(writing)
        self._listener = threading.Thread(target=self._listen, args=(reading,), daemon=True)
        self._listener.start()
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # one that has ended already will be found by its status
            self._process.stdin.write(json.dumps({**work, _REPORTS: writing}) + "\n")
            self._process.stdin.flush()

    def events(self) -> list[Event]:
        """Return what it has reported since the last call."""
        found = []
        try:
            while True:
                found.append(self._events.get_nowait())
        except Empty:
            return found

    def status(self) -> int | None:
        """Return how it ended; None while it works."""
        return self._process.poll()

    def stop(self) -> None:
        """Ask it to save and end."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)

    def wait(self) -> int:
        """Wait for its end, and return how it ended."""
        code = self._process.wait()
        self._listener.join()
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        return code

    def _listen(self, reading: int) -> None:
        with os.fdopen(reading, encoding="utf-8") as reports:
            for line in reports:
                told = json.loads(line)
                if "error" in told:
                    kind = getattr(errors, told["kind"], errors.TrainingError)
                    self.fault = kind(told["error"])
                else:
                    self._events.put(Event(**told))


def run_lanes(module: str, works: Sequence[Mapping[str, Any]], *, threads: int, progress: Progress) -> None:
    """Start a lane for each piece of work and wait until all are done.

    The first one's reports stand for all; sentences of every lane are passed on.

    Args:
        module: of the lanes, as `python -m` names it.
        works: one for each lane, as JSON values.
        threads: of each lane.
        progress: is told how the work goes on.

    Raises:
        KeyboardInterrupt: Ctrl-C or SIGTERM; every lane has saved what it had.
        AnaphoraError: what a lane complained of; the others were stopped, and have saved what they had.
    """
    lanes: list[Lane] = []
    with Interruption() as interruption:
        try:
            lanes.extend(Lane(module, work, threads) for work in works)
            _watch(lanes, progress, lambda: interruption.requested)
        finally:
            for lane in lanes:
                lane.stop()
            codes = [lane.wait() for lane in lanes]
    for lane, code in zip(lanes, codes, strict=True):
        if lane.fault is not None:
            raise lane.fault
        if code not in (DONE, BROKEN_OFF, -signal.SIGINT):
            raise errors.TrainingError(f"a process that trained beside others ended with exit status {code}")
    if any(codes):
        raise KeyboardInterrupt


def _watch(lanes: Sequence[Lane], progress: Progress, interrupted: Callable[[], bool]) -> None:
    """Pass reports on until all lanes are done or one failed; ask all of them to stop when that is wished."""
    asked = False
    while True:
        states = [lane.status() for lane in lanes]
        for number, lane in enumerate(lanes):
            for event in lane.events():
                if number == 0 or event.message:
                    progress(event)
        if None not in states or any(states):
            return
        if interrupted() and not asked:
            asked = True
            for lane in lanes:
                lane.stop()
        time.sleep(_POLL_SECONDS)


def do_work(work: Callable[[Mapping[str, Any], Progress], None]) -> int:
    """Be a lane: do what stdin says, and return the exit status."""
    told = json.loads(sys.stdin.readline())
    warnings.simplefilter("ignore", errors.AnaphoraWarning)  # the starter has given them
    threading.Thread(target=_follow, daemon=True).start()
    with os.fdopen(told.pop(_REPORTS), "w", encoding="utf-8", buffering=1) as reports:

        def say(values: Mapping[str, Any]) -> None:
            reports.write(json.dumps(values) + "\n")

        try:
            work(told, lambda event: say(asdict(event)))
        except KeyboardInterrupt:
            return BROKEN_OFF
        except errors.AnaphoraError as fault:
            say({"error": str(fault), "kind": type(fault).__name__})
            return FAILED
    return DONE


def _follow() -> None:
    """Stop when the starter has gone."""
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGINT)
