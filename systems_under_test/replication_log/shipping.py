"""Log shipping: the leader sends each follower, batch by batch, what comes after the follower's position.

The follower answers with its position and the version of its storage, so the leader need not remember either. Where the
versions must be the same, and are not, the leader waits; or until its log has an image of all pages in the follower's
version, further on: from there that one can follow again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from harness.node import CallError, Env, Message

from systems_under_test.replication_log.log_form import LogForm
from systems_under_test.replication_log.storage import Record

SHIP_MS: Final = 50
CALL_MS: Final = 400
ASK_EVERY: Final = 8
"""A follower that has everything, or must wait, is asked where it is every so many rounds."""

BATCH_RECORDS_MAX: Final = 64


class Shipping:
    """To one follower, for as long as the leader lives. ``durable`` are the leader's records that a crash would leave:
    no other may be shipped, or the follower could have what the leader has lost."""

    def __init__(self, env: Env, follower: str, form: LogForm, *, same_version: bool) -> None:
        self._env, self._follower, self._form, self._same_version = env, follower, form, same_version
        self._position: int | None = None
        self._version = 0
        self._mixed: tuple[int, int] | None = None  # the leader's version and the follower's, when they last differed

    async def step(self, durable: Sequence[Record], round_number: int) -> None:
        """Send what is to be sent now, if anything is."""
        batch = None if self._position is None else self._batch(durable, self._position)
        if batch is None and round_number % ASK_EVERY and self._position is not None:
            return
        try:
            answer = await self._env.call(self._follower, {"type": "ship", **(batch or _QUESTION)}, CALL_MS)
        except CallError:
            return
        self._position, self._version = answer["position"], answer["version"]
        if batch is not None and batch["first"] <= answer["position"]:
            self._tell_if_mixed(durable[batch["first"] - 1]["version"])

    def _tell_if_mixed(self, ours: int) -> None:
        """Once for each two versions: a follower of another version has taken what was shipped."""
        if self._version != ours and self._mixed != (ours, self._version):
            self._mixed = ours, self._version
            self._env.event("mixed-versions", follower=self._follower, ours=ours, theirs=self._version)

    def _batch(self, durable: Sequence[Record], position: int) -> Message | None:
        """{"first": number of the first record, "records": [...]}; None if there is nothing that it could apply."""
        first = position + 1
        if self._same_version:
            first = next((n for n in range(first, len(durable) + 1) if self._readable(durable[n - 1], n == first)), 0)
        if not 1 <= first <= len(durable):
            return None
        records: list[Any] = []
        for record in durable[first - 1 : first - 1 + BATCH_RECORDS_MAX]:
            if self._same_version and record["version"] != self._version:
                break
            records.append(self._form.shipped(record))
        return {"first": first, "records": records}

    def _readable(self, record: Record, is_next: bool) -> bool:
        return bool(record["version"] == self._version and (is_next or "image" in record))


_QUESTION: Final[Message] = {"first": 0, "records": []}
