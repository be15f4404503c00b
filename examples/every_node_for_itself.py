"""Every node keeps a register of its own and answers at once: fast, always available, and wrong."""

from harness.node import Env, Message
from harness.system import Role, System
from systems_under_test.blocks.key_value import KeyValue
from systems_under_test.blocks.key_value_client import ERRORS, KeyValueClient


class Node:
    """The node program: it may touch nothing but its ``env``."""

    def __init__(self, env: Env, options: Message) -> None:
        self.store = KeyValue()

    async def start(self) -> None:
        """Nothing to recover: what a node forgets in a crash is its own affair."""

    async def handle(self, source: str, message: Message) -> Message:
        return self.store.apply(message)  # ask the others? That would take time.

    def status(self) -> Message:
        return {"leader": None}


SYSTEM = System(
    name="every-node-for-itself",
    summary="each node answers from its own memory",
    operations=frozenset({"read", "write", "cas", "add"}),
    roles={"node": Role("every_node_for_itself:Node")},
    client=KeyValueClient,
    workloads=("register",),
    ready=lambda statuses: len(statuses) > 0,
    leader=lambda statuses: None,
    errors=ERRORS,
)
