"""A replica's periods, sizes, and the rules that are a matter of choice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from systems_under_test.blocks.raft.state import ENTRIES_PER_MESSAGE

HEARTBEAT_MS: Final = 100
ELECTION_TIMEOUT_MS: Final = 300
SNAPSHOT_ENTRIES: Final = 1000


@dataclass(frozen=True, slots=True)
class Settings:
    """``heartbeat_ms`` between a leader's heartbeats; of ``election_timeout_ms`` timeouts are once to twice; at most
    ``entries_per_message`` log entries travel in one message; a snapshot is taken whenever ``snapshot_entries`` more
    have been applied (0: never). ``pre_vote``: see the module of that name. ``lease`` is the clock that measures the
    leader's lease, or None: then each read asks a majority. ``membership``: how members are changed (see the module).
    ``voters``: so many of the servers are the first members, 0 for all."""

    heartbeat_ms: int = HEARTBEAT_MS
    election_timeout_ms: int = ELECTION_TIMEOUT_MS
    entries_per_message: int = ENTRIES_PER_MESSAGE
    snapshot_entries: int = SNAPSHOT_ENTRIES
    pre_vote: bool = True
    lease: Literal["monotonic", "wall"] | None = None
    membership: Literal["single", "joint"] = "single"
    voters: int = 0


DEFAULTS: Final = Settings()
