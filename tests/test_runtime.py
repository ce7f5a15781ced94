"""The machine as the library sees it: quotas, load, devices, threads."""

import mmap
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from anaphora import runtime
from anaphora.errors import ConfigError


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_environment_makes_idle_threads_sleep_but_keeps_the_users_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    monkeypatch.setenv("KMP_BLOCKTIME", "200")
    monkeypatch.setattr(runtime, "keep_freed_memory", lambda: True)  # of the whole process, and tests measure memory
    runtime.prepare_environment()
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"
    assert os.environ["KMP_BLOCKTIME"] == "200"


@pytest.mark.parametrize(
    ("chosen", "kept"),
    [({}, True), ({"MALLOC_ARENA_MAX": "2"}, False), ({"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}, False)],
)
def test_memory_is_kept_where_the_user_has_not_chosen(
    chosen: dict[str, str], kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[bool] = []
    monkeypatch.setattr(runtime, "keep_freed_memory", lambda: calls.append(True))
    for name in [name for name in os.environ if name.startswith("MALLOC_") or name == "GLIBC_TUNABLES"]:
        monkeypatch.delenv(name)
    for name, value in chosen.items():
        monkeypatch.setenv(name, value)
    runtime.prepare_environment()
    assert bool(calls) == kept


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="a setting of glibc")
def test_freed_memory_stays_with_the_process() -> None:
    program = """
import resource
from anaphora.runtime import keep_freed_memory
assert keep_freed_memory()
for _ in range(20):
    block = bytearray(b"x") * (1 << 26)
    del block
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    pages = (1 << 26) // mmap.PAGESIZE
    assert int(done.stdout) < 2 * pages  # without it, 20 times as many


@pytest.mark.parametrize(
    ("files", "membership", "quota"),
    [
        ({}, "", None),
        ({"cpu.max": "max 100000\n"}, "0::/\n", None),
        ({"cpu.max": "200000 100000\n"}, "0::/\n", 2),
        ({"cpu.max": "150000 100000\n"}, "", 2),
        ({"a/cpu.max": "100000 100000\n", "a/b/cpu.max": "max 100000\n"}, "0::/a/b\n", 1),
        ({"a/cpu.max": "100000 100000\n"}, "0::/other\n", None),
        ({"cpu.max": "400000 100000\n"}, "0::/../..\n", 4),
        ({"cpu/cpu.cfs_quota_us": "300000\n", "cpu/cpu.cfs_period_us": "100000\n"}, "", 3),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, "", None),
        (
            {"cpu,cpuacct/a/cpu.cfs_quota_us": "50000\n", "cpu,cpuacct/a/cpu.cfs_period_us": "100000\n"},
            "4:cpu,cpuacct:/a\n",
            1,
        ),
        ({"cpu.max": "nonsense\n"}, "0::/\n", None),
        ({"cpu.max": "100000 0\n"}, "0::/\n", None),
    ],
)
def test_quota_of_a_container(tmp_path: Path, files: dict[str, str], membership: str, quota: int | None) -> None:
    for name, text in files.items():
        write(tmp_path / "cgroup" / name, text)
    write(tmp_path / "membership", membership)
    assert runtime._cgroup_quota(tmp_path / "cgroup", tmp_path / "membership") == quota


def test_quota_cuts_the_affinity_mask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)
    monkeypatch.setattr(runtime, "_cgroup_quota", lambda *_: 2)
    assert runtime.available_cpus() == 2
    monkeypatch.setattr(runtime, "_cgroup_quota", lambda *_: 8)
    assert runtime.available_cpus() == 4
    monkeypatch.setattr(runtime, "_cgroup_quota", lambda *_: None)
    assert runtime.available_cpus() == 4


@pytest.mark.parametrize(
    ("available", "machine", "load", "free"),
    [(4, 4, 0.0, 4), (4, 4, 1.2, 3), (4, 4, 9.0, 1), (4, 64, 32.0, 2), (1, 1, 3.0, 1)],
)
def test_free_processors_are_those_that_other_work_leaves(
    monkeypatch: pytest.MonkeyPatch, available: int, machine: int, load: float, free: int
) -> None:
    monkeypatch.setattr(runtime, "available_cpus", lambda: available)
    monkeypatch.setattr(os, "cpu_count", lambda: machine)
    monkeypatch.setattr(os, "getloadavg", lambda: (load, 0.0, 0.0), raising=False)
    monkeypatch.setattr(time, "process_time", lambda: 0.0)
    assert runtime.free_cpus() == free


def test_own_work_does_not_count_as_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "available_cpus", lambda: 2)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(os, "getloadavg", lambda: (1.0, 0.0, 0.0), raising=False)
    monkeypatch.setattr(time, "process_time", lambda: 300.0)
    assert runtime.free_cpus() == 2


def test_without_a_load_average_all_are_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "getloadavg", raising=False)
    assert runtime.free_cpus() == runtime.available_cpus()


@pytest.mark.parametrize(("value", "threads"), [("3", 3), ("4,2", 4), ("", None), ("0", None), ("many", None)])
def test_threads_that_the_user_asked_for(monkeypatch: pytest.MonkeyPatch, value: str, threads: int | None) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    assert runtime.requested_threads() == threads


def test_device_by_name() -> None:
    assert runtime.choose_device("cpu") == torch.device("cpu")
    assert runtime.choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("name", ["gpu", "meta", "mps", ""])
def test_unknown_device(name: str) -> None:
    with pytest.raises(ConfigError, match=f"device = {name!r}: not a device; use auto, cpu, cuda or cuda:N"):
        runtime.choose_device(name)


def test_missing_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match=r"device = 'cuda': this PyTorch \(.*\) sees no CUDA device; use cpu"):
        runtime.choose_device("cuda")


def test_cuda_device_number_out_of_range(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert runtime.choose_device("cuda:1") == torch.device("cuda:1")
    with pytest.raises(ConfigError, match="device = 'cuda:7': there are 2 CUDA devices, numbered from 0"):
        runtime.choose_device("cuda:7")


def test_chip_has_a_name() -> None:
    assert runtime.chip_name(torch.device("cpu")).strip()


def test_seed_decides_what_is_drawn() -> None:
    runtime.seed_everything(7)
    first = torch.rand(3)
    runtime.seed_everything(7)
    assert torch.equal(first, torch.rand(3))


def test_thread_count_is_set_and_given_back() -> None:
    before = torch.get_num_threads()
    with pytest.raises(ZeroDivisionError), runtime.num_threads(before + 1):
        assert torch.get_num_threads() == before + 1
        _ = 1 / 0
    assert torch.get_num_threads() == before
