"""Who leads right now: the nodes are asked over the control channel, and the system reads their answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from harness.cluster import Cluster
from harness.node import Message
from harness.runtime import Runtime

STATUS_TIMEOUT_MS: Final = 300.0
POLL_MS: Final = 50.0
WAIT_MS_MAX: Final = 1000.0

Leader = Callable[[Mapping[str, Message]], str | None]


async def statuses(cluster: Cluster, runtime: Runtime) -> dict[str, Message]:
    """The program's status of each node that answers in time and has started it, asked all at once."""

    async def ask(node: str) -> Message | None:
        answer = await cluster.status(node, STATUS_TIMEOUT_MS)
        # The real host puts its own figures around what the program says.
        return answer["program"] if answer is not None and "program" in answer else answer

    tasks = {node: runtime.spawn(ask(node), f"status of {node}") for node in cluster.nodes}
    answers = {node: await task for node, task in tasks.items()}
    return {node: answer for node, answer in answers.items() if answer}  # a node that starts says {}


async def find_leader(cluster: Cluster, leader: Leader, runtime: Runtime, wait_ms: float = WAIT_MS_MAX) -> str | None:
    """The leader as ``leader`` (``System.leader``) reads it from the statuses. Asks again until there is one, for
    ``wait_ms`` at most: an election may be under way. None if there is none even then."""
    deadline_ns = runtime.now() + round(wait_ms * 1e6)
    while True:
        found = leader(await statuses(cluster, runtime))
        if found is not None or runtime.now() >= deadline_ns:
            return found
        await runtime.sleep(POLL_MS)
