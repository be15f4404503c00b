"""How a new follower gets the leader's data: the whole log, a snapshot and the log behind it, or a plain copy of files.

``snapshot``: the leader freezes its applied state together with the position in its log, goes on with its work, and
hands the frozen rows out piece by piece; then it ships the log from that position. ``file-copy``: each piece is of the
state as it is when it is read, and the log begins where it ends when the last piece is read. What was written meanwhile
to pieces already copied is in neither.

A copy takes the place of the log that a node has, so a node joins only where nothing is lost by that which it has told
this leader that it stored. That counts only along with an entry of the leader's own generation (``leader``); and a log
that ends in one is the beginning of the leader's log. Such a node needs no copy, and a message that makes it look as if
it did is late, or came twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from harness.node import CallError, Message

from systems_under_test.blocks.replicated_log import Position
from systems_under_test.single_leader.follower import Follower
from systems_under_test.single_leader.replica import Replica
from systems_under_test.single_leader.snapshot import Row, piece

BY_LOG: Final = "log"
BY_SNAPSHOT: Final = "snapshot"
NEW_ENTRIES: Final = 30  # an empty log this far behind is a new follower's; a shorter way is shipped
PIECE_ROWS: Final = 20
PIECE_MS: Final = 30
CALL_MS: Final = 300


class Copies:
    """The leader's side: one frozen copy per follower that asks for one, until its last piece went out.

    A request may come twice, the first one, too. So a copy is not frozen anew while there is one, and whoever asks for
    the next piece names the position of the ones before: pieces of two copies never make up one.
    """

    def __init__(self, replica: Replica, how: str) -> None:
        self._replica, self._freezes = replica, how == BY_SNAPSHOT
        self._frozen: dict[str, tuple[Position, Sequence[Row]]] = {}

    def piece(self, follower: str, message: Message) -> Message:
        """The next piece for a follower: {"rows", "done", "position"}, or an error if it should begin anew."""
        after = message["after"]
        if not self._freezes:
            return self._cut(*self._replica.copy(), after)
        if after is None and follower not in self._frozen:
            self._frozen[follower] = self._replica.copy()
        position, rows = self._frozen.get(follower, (None, ()))
        if position is None or (after is not None and position != Position(*message["position"])):
            return {"error": "unavailable"}
        reply = self._cut(position, rows, after)
        if reply["done"]:
            del self._frozen[follower]
        return reply

    def _cut(self, position: Position, rows: Sequence[Row], after: str | None) -> Message:
        return {"position": position.as_json(), **piece(rows, after, PIECE_ROWS)}

    def forget(self) -> None:
        """The leadership has ended: what is in the copies may never be in the next leader's log."""
        self._frozen.clear()


class Joining:
    """The new follower's side."""

    def __init__(self, replica: Replica, follower: Follower, how: str) -> None:
        self._replica, self._follower, self._env, self._log = replica, follower, replica.env, replica.log
        self._copies = how != BY_LOG
        self._under_way = False

    def begins(self, leader: str, message: Message) -> bool:
        """Whether this node, to which the leader ships, copies the leader's data instead, from now on or already."""
        if self._copies and not self._under_way and self._is_new(message):
            self._under_way = True
            self._env.spawn(self._join(leader, message["generation"]), "join")
        return self._under_way

    def _is_new(self, message: Message) -> bool:
        """Far behind with nothing at all; or so far that the leader, or this node, has no log to compare any more.

        A leader that has just been elected may have applied next to nothing of a long log, and its copy is as empty as
        this node: then the log is shipped."""
        previous = Position(*message["previous"])
        empty = self._log.last == 0 and min(previous.index, message["high_water"]) >= NEW_ENTRIES
        apart = self._is_apart(previous) and not self._is_beginning(message["generation"])
        return empty or apart or (0 < previous.index <= message["base"] and not self._log.agrees(previous))

    def _is_apart(self, previous: Position) -> bool:
        """Whether the common point is before our copy, of which we have no entries. An older entry in the very place of
        the copy says so, too: from there neither side goes back any further (``common_point``)."""
        ours = self._log.base
        return previous.index < ours.index or (previous.index == ours.index and previous < ours)

    def _is_beginning(self, generation: int) -> bool:
        """Whether all that is here is the beginning of the log of that generation's leader."""
        return self._replica.numbered and self._log.position.generation == generation

    async def _join(self, leader: str, generation: int) -> None:
        self._env.event("copy-begun", leader=leader)
        rows: list[Any] = []
        position: Sequence[int] | None = None
        while (reply := await self._next(leader, rows[-1][0] if rows else None, position)) is not None:
            if not self._fits(reply, leader, generation):
                break
            rows, position = [*rows, *reply["rows"]], reply["position"]
            if reply["done"]:
                await self._replica.install(Position(*reply["position"]), rows)
                self._env.event("copied", index=self._log.last, rows=len(rows))
                break
            await self._env.sleep(PIECE_MS)
        self._under_way = False

    def _fits(self, reply: Message, leader: str, generation: int) -> bool:
        """Whether this node still follows whom it joins, who has not been deposed and elected anew before it answered:
        this node must not have entries of a generation that it does not know."""
        return self._follower.follows(leader, generation) and Position(*reply["position"]).generation <= generation

    async def _next(self, leader: str, after: str | None, position: Sequence[int] | None) -> Message | None:
        try:
            reply = await self._env.call(leader, {"type": "copy", "after": after, "position": position}, CALL_MS)
        except CallError:
            return None
        return None if "error" in reply else reply
