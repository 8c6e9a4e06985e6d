"""What the cgroup files of a process say: every level from its own cgroup up to the mount root.

Reads plain files below ``root`` (there lie ``proc`` and ``sys``), so any machine can be rebuilt
in a folder. Where there are no such files, as on macOS and Windows, there is no level.
Sources: man 7 cgroups; kernel.org, "Control Group v2" and "CFS Bandwidth Control".
"""

from __future__ import annotations

import re

#: cgroup v1 writes "no memory limit" as the largest multiple of the page size below 2**63.
NO_MEMORY_LIMIT = 2**60


def _read(path):
    """Return the text of a file, "" where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _own_cgroups(root, controller):
    """Return {version: path} from ``/proc/self/cgroup`` (man 7 cgroups); "/" where it says nothing."""
    paths = {1: "/", 2: "/"}
    for line in _read(root / "proc/self/cgroup").splitlines():
        number, controllers, path = (line.split(":", 2) + ["", ""])[:3]
        if number == "0" and not controllers:
            paths[2] = path
        elif controller in controllers.split(","):
            paths[1] = path
    return paths


def _mounts(root, controller):
    """Return [(version, part of the hierarchy that is mounted, folder)]; the usual places where mountinfo is silent."""
    mounts = []
    for line in _read(root / "proc/self/mountinfo").splitlines():
        fields, kind = line.partition(" - ")[0].split(), line.partition(" - ")[2].split()
        version = {"cgroup": 1, "cgroup2": 2}.get(kind[0] if kind else "")
        if version == 2 or (version == 1 and controller in kind[-1].split(",")):
            inside, point = (re.sub(r"\\(\d{3})", lambda octal: chr(int(octal[1], 8)), field) for field in fields[3:5])
            mounts.append((version, inside, root / point.lstrip("/")))
    base = root / "sys/fs/cgroup"
    v1 = next(
        (base / name for name in (controller, "cpu,cpuacct", "cpuacct,cpu") if (base / name).is_dir()),
        base / controller,
    )
    return mounts or [(2, "/", base), (2, "/", base / "unified"), (1, "/", v1)]


def _parts_below(inside, path):
    """Return the parts of the cgroup `path` below the mounted part `inside`.

    A path outside of the container's namespace (``/../..``) gives [], the mount root.
    """
    inside, parts = ([part for part in text.split("/") if part] for text in (inside, path))
    if parts[: len(inside)] == inside:
        parts = parts[len(inside) :]
    return [] if ".." in parts else parts


def find_levels(root, controller):
    """Return [(version, folder)] from the process's own cgroup up to the mount root, existing ones only.

    In a container ``/proc/self/cgroup`` may name a path of the host, which does not exist under
    the mount: the walk then ends up at the mount root, which is the container's own cgroup.
    """
    levels, own = {}, _own_cgroups(root, controller)
    for version, inside, mount in _mounts(root, controller):
        parts = _parts_below(inside, own[version])
        for depth in range(len(parts), -1, -1):
            folder = mount.joinpath(*parts[:depth])
            if folder.is_dir():  # one cgroup may be mounted, or linked to, more than once
                levels.setdefault((version, folder.stat().st_dev, folder.stat().st_ino), (version, folder))
    return list(levels.values())


def read_cpu_quota(version, folder):
    """Return (CPUs as a fraction or None, the file that says so) of one cgroup."""
    file = folder / ("cpu.max" if version == 2 else "cpu.cfs_quota_us")
    words = _read(file).split() + (_read(folder / "cpu.cfs_period_us").split() if version == 1 else [])
    try:
        quota, period = (float(word) for word in words)
    except ValueError:  # "max 100000", or no such file
        return None, file
    return (quota / period if quota > 0 and period > 0 else None), file


def read_number(path, key=None):
    """Return the whole number a file holds, in the line of `key` if given; None without one."""
    for line in _read(path).splitlines():
        words = line.split()
        if words and words[-1].isdigit() and (key is None or words[0] == key):
            return int(words[-1])
    return None


def read_memory_use(version, folder):
    """Return (limit or None, bytes in use or None, file of the limit) of one cgroup.

    In use is what the kubelet and ``docker stats`` count: usage less the inactive file cache,
    which the kernel drops before it kills anything.
    """
    names = ("memory.max", "memory.current", "inactive_file")
    if version == 1:
        names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
    limit, usage = read_number(folder / names[0]), read_number(folder / names[1])
    if usage is not None:
        usage = max(0, usage - (read_number(folder / "memory.stat", names[2]) or 0))
    return (None if limit is None or limit >= NO_MEMORY_LIMIT else limit), usage, folder / names[0]
