"""Programs of ours that do on a node, or to its disk from outside, what no command does: ``harness.agent``.

Each is a module with ``main(arguments)`` that prints one JSON object. It runs where it has the rights it needs: on the
node over SSH, from the zipapp that is there, or as root on this machine.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from harness.cluster import ClusterError, ShellError
from harness.clusters.remote.ssh import SshShell, shown

BOOT: Final = (
    "import sys; sys.path.insert(0, sys.argv[1]); from importlib import import_module; "
    "import_module('harness.agent.' + sys.argv[2]).main(sys.argv[3:])"
)
"""Constant: where the program is, which it is and what it is to do come as arguments."""

_ROOT: Final = Path(__file__).resolve().parents[3]


class Agent(Protocol):
    """Runs the modules of ``harness.agent`` in one place, with the rights of root."""

    async def run(self, module: str, *arguments: str, timeout_s: float = 10.0) -> Mapping[str, Any]:
        """What the module printed. Raises ShellError or ClusterError."""


class SshAgent:
    """Runs them on a node. ``program`` is the zipapp there, ``python`` its Python."""

    def __init__(self, shell: SshShell, python: str, program: str) -> None:
        self._shell, self._command = shell, (python, "-S", "-c", BOOT, program)

    async def run(
        self, module: str, *arguments: str, timeout_s: float = 10.0, idempotent: bool = False
    ) -> Mapping[str, Any]:
        command = (*self._command, module, *arguments)
        result = await self._shell.run(*command, timeout_s=timeout_s, idempotent=idempotent)
        return _read(result.stdout, module, self._shell.connection.address.node)


class HostAgent:
    """Runs them here, for ``node``."""

    def __init__(self, node: str) -> None:
        self._node = node

    async def run(self, module: str, *arguments: str, timeout_s: float = 10.0) -> Mapping[str, Any]:
        command = (sys.executable, "-S", "-c", BOOT, str(_ROOT), module, *arguments)
        return _read(await _run_here(command, self._node, timeout_s), module, self._node)


class EnteringAgent:
    """Runs them in the mount and process namespaces of a process of this machine, with the rights of root here: what a
    container is not allowed to do itself. ``program`` and ``python`` are as on the node."""

    def __init__(self, node: str, pid: int, python: str, program: str) -> None:
        self._node = node
        self._command = ("nsenter", "--target", str(pid), "--mount", "--pid", "--", python, "-S", "-c", BOOT, program)

    async def run(self, module: str, *arguments: str, timeout_s: float = 10.0) -> Mapping[str, Any]:
        return _read(await _run_here((*self._command, module, *arguments), self._node, timeout_s), module, self._node)


async def _run_here(command: tuple[str, ...], node: str, timeout_s: float) -> str:
    try:
        done = await asyncio.to_thread(
            subprocess.run, command, capture_output=True, text=True, check=False, timeout=timeout_s,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise ClusterError(f"node {node}: {shown(command)} is not done after {timeout_s:g} s") from error
    if done.returncode:
        raise ClusterError(f"node {node}: {shown(command)}: status {done.returncode}: {done.stderr[-1000:]}")
    return done.stdout


def _read(printed: str, module: str, node: str) -> Mapping[str, Any]:
    try:
        answer = json.loads(printed)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise ShellError(f"node {node}: agent {module}: read {printed[:200]!r}; expected one JSON object")
    return answer
