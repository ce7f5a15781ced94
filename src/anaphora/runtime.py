"""The machine: processors, device, number format, threads, random seeds. Functions only; nothing happens at import.

torch is imported inside the functions, because two settings of the OpenMP runtime must be made before it loads
(`prepare_environment`), and because the lowest floor must stay light.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from anaphora.errors import ConfigError

if TYPE_CHECKING:
    import torch

Precision = Literal["float32", "bfloat16"]


def prepare_environment() -> None:
    """Make OpenMP's idle threads sleep instead of spin; call before torch is first imported.

    With the default, a thread that waits burns its core; when another process wants that core, one LSTM step was
    seen to take 17 times longer. What the user has set is left alone.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("KMP_BLOCKTIME", "0")


def available_cpus() -> int:
    """Return how many processors this process may use: the affinity mask, cut by a container's CPU quota."""
    affinity = getattr(os, "sched_getaffinity", None)
    count = len(affinity(0)) if affinity else os.cpu_count() or 1
    quota = _cgroup_quota(Path("/sys/fs/cgroup"))
    return max(1, min(count, quota)) if quota else count


def _cgroup_quota(root: Path) -> int | None:
    """Return the CPU quota in whole processors (rounded up), or None without a quota. Reads cgroup v2, then v1."""
    try:
        limit, period = (root / "cpu.max").read_text().split()[:2]
    except (OSError, ValueError):
        try:
            limit = (root / "cpu/cpu.cfs_quota_us").read_text().strip()
            period = (root / "cpu/cpu.cfs_period_us").read_text().strip()
        except OSError:
            return None
    if not limit.isdigit() or not period.isdigit() or int(period) == 0:  # "max" and "-1" mean no limit
        return None
    return max(1, -(-int(limit) // int(period)))


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
        raise ConfigError(f"device = {name!r}: not a device; use auto, cpu, cuda or cuda:N") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ConfigError(f"device = {name!r}: this PyTorch ({torch.__version__}) sees no CUDA device; use cpu")
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
