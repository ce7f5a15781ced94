"""Many small trainings side by side: one thread each, as many as there are processors, the same figures on any number.

Threads are enough, because PyTorch lets go of Python's lock while it computes. A job must take its chance from
generators of its own and leave the global one alone, but for `drawn_from`.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from threading import Event as Flag
from threading import Lock
from typing import TypeVar

import torch

from anaphora.progress import Event, Progress
from anaphora.runtime import available_cpus, num_threads

Result = TypeVar("Result")

_DRAWING = Lock()


class StoppedError(Exception):
    """A job noticed that nobody waits for its result any more; never leaves this room."""


@contextmanager
def drawn_from(seed: int) -> Iterator[None]:
    """Draw from torch's global generator, seeded, one job at a time; afterwards it stands where it stood before."""
    with _DRAWING, torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def side_by_side(jobs: Sequence[Callable[[Flag], Result]], *, stage: str, progress: Progress) -> list[Result]:
    """Run all jobs and return their results in the same order; the first error, or Ctrl-C, stops the others.

    Each job is given a flag that it looks at now and then: when it is set, the job raises StoppedError.
    """
    flag = Flag()
    with num_threads(1), ThreadPoolExecutor(available_cpus(), initializer=lambda: torch.set_num_threads(1)) as pool:
        futures = [pool.submit(job, flag) for job in jobs]
        try:
            for done, future in enumerate(as_completed(futures), start=1):
                future.result()
                progress(Event(stage=stage, done=done, total=len(jobs), unit="trainings"))
        except BaseException:
            flag.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        return [future.result() for future in futures]
