"""What the machine is, how busy others keep it, and what a process uses of it."""

from __future__ import annotations

import os
import pathlib
import platform
import resource
import time

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
# Instruction sets that engines choose their kernels by.
TOLD_FLAGS = ("avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512vl", "avx512_vnni", "avx512_vpopcntdq", "avx512vbmi", "avx512_bf16", "avx512_fp16", "amx_int8")


def describe() -> dict:
    cpu = _proc_fields("/proc/cpuinfo")
    flags = set(cpu.get("flags", "").split())
    return {
        "processor": cpu.get("model name", platform.processor()),
        "cores": os.cpu_count(),
        "kernel": f"{platform.system()} {platform.release()}",
        "memory": _proc_fields("/proc/meminfo").get("MemTotal", ""),
        "cache": cpu.get("cache size", ""),
        "flags": [flag for flag in TOLD_FLAGS if flag in flags],
        "python": platform.python_version(),
    }


def _proc_fields(path: str) -> dict[str, str]:
    fields = {}
    for line in pathlib.Path(path).read_text().splitlines():
        key, _, value = line.partition(":")
        fields.setdefault(key.strip(), value.strip())
    return fields


def memory_mib() -> dict[str, float]:
    """Resident memory of this process, of that what is mapped from files and what is its own, and the largest it ever was."""
    status = _proc_fields("/proc/self/status")
    def mib(key):
        return int(status.get(key, "0 kB").split()[0]) / 1024
    return {"resident": mib("VmRSS"), "files": mib("RssFile"), "anonymous": mib("RssAnon"), "peak": mib("VmHWM")}


def cpu_seconds() -> float:
    """Processor time of this process, all its threads and its ended children."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def bytes_below(folder: pathlib.Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


class NoMemoryGroup(Exception):
    """This machine gives no cgroup with a memory limit; the text says why."""


class MemoryGroup:
    """A cgroup with a limit on the memory of its processes and on the page cache that they fill.

        with MemoryGroup("256M") as group: a process calls join_group(group.folder)

    Of version 2 below the root of the hierarchy, or of version 1 below the group that we are in: what limits us limits it,
    too. Takes root; removed at the end, when no process is in it any more.
    """

    def __init__(self, limit: str, mount: pathlib.Path | None = None):
        self._limit = limit
        self._parent, self._is_v2 = (mount, True) if mount else _memory_hierarchy()
        self.folder = self._parent / f"viper-bench-{os.getpid()}"

    def __enter__(self) -> MemoryGroup:
        if self._is_v2:
            _check_controls_memory(self._parent)
        try:
            if self._is_v2:
                (self._parent / "cgroup.subtree_control").write_text("+memory")
            self.folder.mkdir()
            try:
                (self.folder / ("memory.max" if self._is_v2 else "memory.limit_in_bytes")).write_text(self._limit)
                if (self.folder / "memory.swap.max").exists():
                    (self.folder / "memory.swap.max").write_text("0")
            except OSError:
                self.folder.rmdir()
                raise
        except OSError as error:
            raise NoMemoryGroup(f"cannot limit memory to {self._limit}: {error}") from None
        return self

    def __exit__(self, *_) -> None:
        self.folder.rmdir()


def _check_controls_memory(mount: pathlib.Path) -> None:
    controllers = mount / "cgroup.controllers"
    if not controllers.exists() or "memory" not in controllers.read_text().split():
        raise NoMemoryGroup(f"{mount} has no controller of memory")


def _memory_hierarchy() -> tuple[pathlib.Path, bool]:
    """Where groups are made, and whether it is of version 2. A controller is in one hierarchy only."""
    unified = None
    for line in pathlib.Path("/proc/mounts").read_text().splitlines():
        _, mount, kind, options, *_ = line.split()
        if kind == "cgroup" and "memory" in options.split(","):
            return pathlib.Path(mount) / _own_memory_group().lstrip("/"), False
        if kind == "cgroup2":
            unified = pathlib.Path(mount)
    if unified is None:
        raise NoMemoryGroup("no cgroup is mounted that controls memory")
    return unified, True


def _own_memory_group() -> str:
    for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if "memory" in controllers.split(","):
            return path
    return "/"


def group_peak_mib(folder: pathlib.Path) -> float | None:
    """The most that a group has held, page cache included; None where the kernel does not tell."""
    for name in ("memory.peak", "memory.max_usage_in_bytes"):
        if (folder / name).exists():
            return int((folder / name).read_text()) / 2**20
    return None


def join_group(folder: pathlib.Path) -> None:
    """Move this process into a cgroup."""
    (folder / "cgroup.procs").write_text(str(os.getpid()))


def drop_cached(folder: pathlib.Path) -> None:
    """Ask the kernel to drop the cached pages of the files of a folder; needs no rights, and changed pages are written first."""
    for path in folder.rglob("*"):
        if path.is_file():
            file = os.open(path, os.O_RDONLY)
            os.fdatasync(file)
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(file)


class ForeignLoad:
    """Busy cores that were not ours, over a stretch of time: `begin()`, then `cores(own CPU seconds)`."""

    def __init__(self, core: int | None = None):
        self._line = "cpu" if core is None else f"cpu{core}"
        self._begin_time, self._begin_busy = time.monotonic(), self._busy_seconds()

    def cores(self, own_cpu_seconds: float) -> float:
        elapsed = max(time.monotonic() - self._begin_time, 1e-3)
        return max(0.0, (self._busy_seconds() - self._begin_busy - own_cpu_seconds) / elapsed)

    def _busy_seconds(self) -> float:
        for line in pathlib.Path("/proc/stat").read_text().splitlines():
            name, *values = line.split()
            if name == self._line:
                user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, values[:8])
                return (user + nice + system + irq + softirq + steal) / TICKS_PER_SECOND
        return 0.0
