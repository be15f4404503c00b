"""What the ``local`` provider needs and whether this machine has it: tools by looking, kernel features by trying.

The trying happens in a process with namespaces of its own (``probe``), so it leaves nothing behind; once per process.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from harness.agent.clock import library
from harness.cluster import Finding
from harness.clusters.local import isolation

FAKETIME: Final = "libfaketime"

_PYTHON: Final = "/usr/bin/python3"
_PROBE_SECONDS_MAX: Final = 20

# tool -> (package, what for, required)
_TOOLS: Final = {
    "unshare": ("util-linux", "nodes", True),
    "ip": ("iproute2", "the nodes' network", True),
    "nft": ("nftables", "partitions", True),
    "sshd": ("openssh-server", "reaching nodes as real ones are", True),
    "mkfs.ext4": ("e2fsprogs", "the nodes' own file systems", True),
    "nsenter": ("util-linux", "entering a node by hand", False),
    "iptables": ("iptables", "degraded links, where nftables cannot queue packets", False),
}
# what the probe tries -> (name, what for, what would add it, required)
_FEATURES: Final = {
    "namespaces": ("kernel: namespaces", "nodes", "run it on a (virtual) machine, or in a privileged container", True),
    "veth": ("kernel: veth", "the nodes' network", "modprobe veth", True),
    "nftables": ("kernel: nftables", "partitions", "modprobe nf_tables", True),
    "overlay": ("kernel: overlay on /", "the nodes' root", "modprobe overlay", True),
    "loop": ("kernel: loop devices", "the nodes' own file systems", "modprobe loop", True),
    "queues": ("kernel: packet queues", "links that delay, lose, spoil or squeeze", "modprobe nft_queue", False),
}


@functools.cache
def examine() -> tuple[Finding, ...]:
    """All findings, the required ones first."""
    tools = [_tool(name, *row) for name, row in _TOOLS.items()]
    root = os.geteuid() == 0
    rights = Finding("root", root, "namespaces, mounts, interfaces", f"user id {os.geteuid()}", "run it with sudo")
    ready = root and all(tool.present for tool in tools if tool.required)
    tried = _probe() if ready else {"namespaces": "not tried: first add what is missing above"}
    features = [_feature(tried, key, *row) for key, row in _FEATURES.items()]
    found = [rights, *tools, _python(), *features, _packages(), _cgroups(), _faketime(), _user_namespaces()]
    return tuple(sorted(found, key=lambda finding: not finding.required))


def _tool(name: str, package: str, needed_for: str, required: bool) -> Finding:
    path = shutil.which(name, path=isolation.PATH)
    return Finding(name, path is not None, needed_for, path or "", f"apt-get install -y {package}", required)


def _python() -> Finding:
    """The nodes' Python: they see the host's /usr, not the environment the harness runs in."""
    code = "import sys; print('%d.%d.%d' % sys.version_info[:3]); sys.exit(sys.version_info < (3, 11))"
    try:
        done = subprocess.run(
            [_PYTHON, "-I", "-S", "-c", code], capture_output=True, text=True, check=False, timeout=10
        )
    except OSError as error:
        return Finding(f"{_PYTHON} >= 3.11", False, "node programs", str(error), "apt-get install -y python3")
    remedy = "apt-get install -y python3 (Debian 12, Ubuntu 24.04 or later have it)"
    return Finding(f"{_PYTHON} >= 3.11", done.returncode == 0, "node programs", done.stdout.strip(), remedy)


def _probe() -> Mapping[str, str]:
    """Feature -> "" if it works, else why not."""
    try:
        done = subprocess.run(
            isolation.command("probe"), capture_output=True, text=True, check=False, timeout=_PROBE_SECONDS_MAX,
            env={"PATH": isolation.PATH},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return {"namespaces": f"the probe hung for {_PROBE_SECONDS_MAX} s"}
    if done.returncode:
        return {"namespaces": done.stderr.strip()[-300:] or f"the probe ended with status {done.returncode}"}
    return {"namespaces": "", **json.loads(done.stdout)}


def _feature(tried: Mapping[str, str], key: str, name: str, needed_for: str, remedy: str, required: bool) -> Finding:
    reason = tried.get(key, "not tried")
    return Finding(name, reason == "", needed_for, reason, remedy, required)


def _packages() -> Finding:
    path = shutil.which("apt-get", path=isolation.PATH)
    remedy = "run it on Debian or Ubuntu, or with --provider docker"
    return Finding("apt-get", path is not None, "databases, on nodes only (PostgreSQL, ...)", path or "", remedy, False)


def _cgroups() -> Finding:
    mounts = [line.split() for line in Path("/proc/mounts").read_text("utf-8").splitlines()]
    version_1 = sorted(Path(mount[1]).name for mount in mounts if mount[2] == "cgroup")
    version_2 = [mount[1] for mount in mounts if mount[2] == "cgroup2"]
    detail = f"version 1: {', '.join(version_1)}" if version_1 else f"version 2 at {version_2[0]}" if version_2 else ""
    return Finding("cgroups", bool(detail), "freezing and limiting whole nodes", detail, "", required=False)


def _faketime() -> Finding:
    path, needed_for = library(), "wall clocks that jump, strobe, or run at a wrong rate"
    return Finding(FAKETIME, bool(path), needed_for, path, "apt-get install -y libfaketime", required=False)


def _user_namespaces() -> Finding:
    path = Path("/proc/sys/user/max_user_namespaces")
    most = int(path.read_text("utf-8")) if path.exists() else 0
    remedy = "sysctl -w user.max_user_namespaces=10000"
    return Finding(
        "user namespaces", most > 0, "clusters without root (not built yet)", f"at most {most}", remedy, False
    )
