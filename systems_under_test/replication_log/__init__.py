"""What a leader tells its followers: statements, bytes of pages, rows, or nothing, and triggers do it.

*Designing Data-Intensive Applications*, 5.1, "Implementation of Replication Logs". One database leads, for good (what
becomes of a leader's place is the subject of ``single-leader``); the others follow what its log says.

``log=statement`` ships what was asked; ``wal`` the bytes that the storage engine changed; ``row`` the rows that were
changed; with ``trigger`` the database ships nothing: its triggers write into a change table, from which a process
outside, the replicator, brings the changes to the others.
"""

from __future__ import annotations

from collections.abc import Mapping

from harness.node import Message
from harness.system import Option, Role, System

from systems_under_test.blocks.key_value_client import ERRORS
from systems_under_test.replication_log.claims import CLAIMS
from systems_under_test.replication_log.client import RowsClient


def present_leader(statuses: Mapping[str, Message]) -> str | None:
    """The one that leads, if it is there."""
    return next((name for name, status in sorted(statuses.items()) if status.get("role") == "leader"), None)


def promises(options: Mapping[str, str]) -> frozenset[str]:
    """Rows and their changes are the same everywhere; so are pages, in one version of the storage; statements only if
    nothing that they call or set off differs, and all execute them in one order."""
    match options["log"]:
        case "wal":
            same = options["version-check"] == "on"
        case "statement":
            fixed = options["nondeterminism"] == "fixed-by-leader" and options["triggers"] != "nondeterministic"
            same = fixed and options["apply"] == "serial"
        case _:
            same = True
    return frozenset({"rows"} if same else ())


SYSTEM = System(
    name="replication-log",
    summary="A fixed leader and what its log says: statements, pages, rows, or triggers (DDIA ch. 5).",
    operations=frozenset({"read", "insert", "update", "delete", "dump"}),
    roles={
        "database": Role(program="systems_under_test.replication_log.node:Database"),
        "replicator": Role(program="systems_under_test.replication_log.replicator:Replicator", count=1),
    },
    client=RowsClient,
    workloads=("rows",),
    ready=lambda statuses: present_leader(statuses) is not None,
    leader=present_leader,
    options={
        "log": Option("row", ("row", "statement", "wal", "trigger"), "what followers are told of a change"),
        "apply": Option("serial", ("serial", "parallel"), "one part of the log after the other, or four at a time"),
        "nondeterminism": Option(
            "as-is", ("as-is", "fixed-by-leader"), "fixed-by-leader: NOW, RAND and UUID are replaced by their values"
        ),
        "triggers": Option(
            "none", ("none", "deterministic", "nondeterministic"), "what an order leaves in the audit table"
        ),
        "version-check": Option("on", ("on", "off"), "off: pages are written whatever version of storage they are of"),
    },
    errors=ERRORS,
    events=("version-refused", "mixed-versions", "disk-corrupt"),
    claims=CLAIMS,
    withstands=frozenset({"duplicate"}),
    promises=promises,
)
