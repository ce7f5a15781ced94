"""The machine: processors, device, number format, threads, random seeds. Functions only; nothing happens at import.

torch is imported inside the functions, because two settings of the OpenMP runtime must be made before it loads
(`prepare_environment`), and because the lowest floor must stay light.
"""

import ctypes
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Literal

from anaphora.errors import ConfigError

if TYPE_CHECKING:
    import torch

Precision = Literal["float32", "bfloat16"]

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of mallopt(3)
_KEPT_BYTES = 1 << 30  # larger blocks still go straight back to the system
_LOAD_SECONDS = 60.0  # the span of the first load average
_TELLING_FLAGS = {"avx2", "avx512f", "avx512_bf16", "amx_bf16", "asimd", "bf16", "sve"}  # of a processor


def prepare_environment() -> None:
    """Set up a process of our own: idle threads sleep, freed memory is kept. Call before torch is first imported.

    With OpenMP's default, a thread that waits burns its core; when another process wants that core, one LSTM step was
    seen to take 17 times longer. What the user has set is left alone.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("KMP_BLOCKTIME", "0")
    if not any(name.startswith("MALLOC_") or name == "GLIBC_TUNABLES" for name in os.environ):
        keep_freed_memory()


def keep_freed_memory() -> bool:
    """Let glibc keep the memory of freed tensors for the next ones; return False where there is no glibc.

    By default a block of 32 MB or more is fetched from the system and given back each time, as is whatever frees up at
    the end of the heap: every training step pays anew for the pages that the last one had. Holds for the whole process.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return all([mallopt(_M_MMAP_THRESHOLD, _KEPT_BYTES), mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)])


def available_cpus() -> int:
    """Return how many processors this process may use: the affinity mask, cut by a container's CPU quota."""
    affinity = getattr(os, "sched_getaffinity", None)
    count = len(affinity(0)) if affinity else os.cpu_count() or 1
    quota = _cgroup_quota(Path("/sys/fs/cgroup"), Path("/proc/self/cgroup"))
    return max(1, min(count, quota)) if quota else count


def free_cpus() -> int:
    """Return how many of the available processors other work leaves idle, at least 1.

    Reads the machine's load over the last minute, less what this process itself has put on it. On a machine with
    more processors than this process may use, the load is taken to be spread evenly over all of them.
    """
    available = available_cpus()
    try:
        load = os.getloadavg()[0]
    except (AttributeError, OSError):  # Windows has no load average
        return available
    own_share = min(1.0, time.process_time() / _LOAD_SECONDS)
    others = max(0.0, load - own_share) * available / max(available, os.cpu_count() or 1)
    return max(1, available - round(others))


def requested_threads() -> int | None:
    """Return the thread count that the user asked for in OMP_NUM_THREADS, or None."""
    first = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()  # "4,2" is for nested regions
    return int(first) if first.isdecimal() and int(first) > 0 else None


def _cgroup_quota(root: Path, membership: Path) -> int | None:
    """Return the CPU quota in whole processors (rounded up), or None without a quota. Reads cgroup v2 and v1.

    `root` is where the control groups are mounted, `membership` the file that names ours. A quota binds every group
    below it, so the smallest on the way up is ours; inside a container the root is often all there is to see.
    """
    quotas = []
    for folder in _cgroup_folders(root, membership):
        with suppress(OSError, ValueError):
            limit, period = (folder / "cpu.max").read_text().split()[:2]
            quotas.append((limit, period))
        with suppress(OSError):
            limit = (folder / "cpu.cfs_quota_us").read_text().strip()
            quotas.append((limit, (folder / "cpu.cfs_period_us").read_text().strip()))
    counts = [  # "max" and "-1" mean no limit
        max(1, -(-int(limit) // int(period)))
        for limit, period in quotas
        if limit.isdecimal() and period.isdecimal() and int(period) > 0
    ]
    return min(counts, default=None)


def _cgroup_folders(root: Path, membership: Path) -> Iterator[Path]:
    """Yield the folders of our control group and of those above it, for the unified and the older layout."""
    paths = {root: PurePosixPath("/"), root / "cpu": PurePosixPath("/")}
    with suppress(OSError):
        for line in membership.read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if ".." in path:  # outside of what this namespace shows
                continue
            if not controllers:
                paths[root] = PurePosixPath(path)
            elif "cpu" in controllers.split(","):
                paths[root / "cpu"] = paths[root / controllers] = PurePosixPath(path)
    for mount, group in paths.items():
        for part in (group, *group.parents):
            yield mount / part.relative_to("/")


def chip_name(device: "torch.device") -> str:
    """Return a name under which measurements of this device can be kept: model and what decides its speed."""
    import torch

    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    facts: dict[str, str] = {}
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            key, _, value = line.partition(":")
            facts.setdefault(key.strip(), value.strip())
    flags = set(facts.get("flags", facts.get("Features", "")).split())
    model = facts.get("model name") or platform.processor() or platform.machine()
    parts = [model, facts.get("cpu family", ""), facts.get("model", ""), *sorted(flags & _TELLING_FLAGS)]
    return " ".join(filter(None, parts))


def choose_device(name: str = "auto") -> "torch.device":
    """Return the device of that name; "auto" is CUDA where there is one, else the CPU.

    Raises:
        ConfigError: the name is not a device, or the device is not there.
    """
    import torch

    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        device = torch.device("meta")
    if device.type not in ("cpu", "cuda"):
        raise ConfigError(f"device = {name!r}: not a device; use auto, cpu, cuda or cuda:N")
    if device.type == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if count == 0:
            raise ConfigError(f"device = {name!r}: this PyTorch ({torch.__version__}) sees no CUDA device; use cpu")
        if (device.index or 0) >= count:
            raise ConfigError(f"device = {name!r}: there are {count} CUDA devices, numbered from 0")
    return device


def seed_everything(seed: int) -> None:
    """Seed torch's generators on every device. NumPy generators are made where they are used, from the same seed."""
    import torch

    torch.manual_seed(seed)


@contextmanager
def num_threads(count: int) -> Iterator[None]:
    """Run the block with torch on `count` threads."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
