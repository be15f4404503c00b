"""Whether a system is ready to work: it is asked until it says so, for a bounded time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from harness.cluster import Cluster
from harness.faults.leader import statuses
from harness.node import Message
from harness.runtime import Runtime
from harness.system import System

READY_S_MAX: Final = 30.0
EXTERNAL_READY_S_MAX: Final = 90.0  # a database may copy another first
POLL_MS: Final = 20.0

TAIL_LINES: Final = 8
TAIL_LINE_CHARACTERS_MAX: Final = 300
_TAIL_BYTES: Final = 16 * 1024


class NotReadyError(Exception):
    """The nodes did not start, or the system was not ready in time."""


async def until_ready(system: System, cluster: Cluster, runtime: Runtime, stopped: Callable[[], bool],
                      limit_s: float | None = None) -> None:  # fmt: skip
    """Return when ``system.ready`` accepts the nodes' statuses, or ``stopped()``. Raises NotReadyError."""
    if limit_s is None:
        limit_s = READY_S_MAX if system.external is None else EXTERNAL_READY_S_MAX
    deadline_ns = runtime.now() + round(limit_s * 1e9)
    while not stopped():
        # A node that answers but has not started its program yet has nothing to say of it.
        answers = {node: answer for node, answer in (await statuses(cluster, runtime)).items() if answer}
        if system.ready(answers):
            return
        if runtime.now() > deadline_ns:
            raise NotReadyError(_complaint(system, cluster, answers, limit_s))
        await runtime.sleep(POLL_MS)


def _complaint(system: System, cluster: Cluster, answers: Mapping[str, Message], limit_s: float) -> str:
    silent = [node for node in cluster.nodes if node not in answers]
    said = "; ".join(f"{node}: {str(dict(answer))[:200]}" for node, answer in answers.items())
    return (
        f"{system.name} was not ready after {limit_s:.0f} s. "
        + (f"Not answering: {', '.join(silent)}. " if silent else "All nodes answer. ")
        + (f"Statuses: {said}" if said else "")
    )


def log_tails(folder: Path) -> str:
    """The last lines of every node's logs, for an error message; nodes that say the same are told once."""
    said: dict[tuple[str, ...], list[Path]] = {}
    for path in sorted(folder.glob("*/*.log")):
        if path.name != "sshd.log" and (lines := _tail(path)):
            said.setdefault(tuple(lines), []).append(path)
    parts = [
        line
        for lines, paths in said.items()
        for line in (f"--- {', '.join(path.parent.name for path in paths)}: {paths[0]}", *lines)
    ]
    return "\n".join(parts) if parts else f"(the nodes left no logs in {folder})"


def _tail(path: Path) -> list[str]:
    with open(path, "rb") as stream:
        stream.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        text = stream.read().decode("utf-8", "replace")
    return [line[:TAIL_LINE_CHARACTERS_MAX] for line in text.splitlines()[-TAIL_LINES:]]
