"""What the harness and the supervisor of its namespaces say to each other: a hello, then requests with their answers.

All are JSON over a SOCK_SEQPACKET pair. The hello carries the supervisor's pidfd; the first request is to build, and
its answer carries the other file descriptors; those that may follow turn a node off or on, and the answer to "on"
carries the pidfd of its new first process. The supervisor lives exactly as long as that socket's other end and the
harness do.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

RUN_VARIABLE: Final = "SPLITBRAIN_RUN"  # in the environment of a run's processes, for people and tests to tell them by
MESSAGE_BYTES_MAX: Final = 200_000  # below the kernel's default send buffer, so that one packet always fits


@dataclass(frozen=True, slots=True)
class NodeRequest:
    """One node to make; ``data`` and ``control`` are its addresses, ``disk`` whether it has a file system for data."""

    name: str
    data: str
    control: str
    disk: bool


@dataclass(frozen=True, slots=True)
class FabricRequest:
    """All a supervisor needs: where its in-memory file system goes, the nodes, the client addresses, the keys, and the
    image of the layer that lies between the host's root and the nodes' own files, if there is one."""

    folder: str
    nodes: tuple[NodeRequest, ...]
    clients: tuple[str, ...]
    host_key: str
    authorized_key: str
    layer: str = ""

    def encode(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @staticmethod
    def decode(packet: bytes) -> FabricRequest:
        fields: Mapping[str, Any] = json.loads(packet)
        nodes = tuple(NodeRequest(**node) for node in fields["nodes"])
        return FabricRequest(**{**fields, "nodes": nodes, "clients": tuple(fields["clients"])})


@dataclass(frozen=True, slots=True)
class SwitchRequest:
    """Turn the ``index``-th node (from 1) off or on."""

    index: int
    on: bool

    def encode(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @staticmethod
    def decode(packet: bytes) -> SwitchRequest:
        return SwitchRequest(**json.loads(packet))
