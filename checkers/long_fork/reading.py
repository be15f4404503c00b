"""A history read as transactions that saw some writes and missed others."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from checkers.guard import Unsupported
from checkers.micro_operation import micro_operations
from checkers.value import Codes, show
from harness.history import DUMP, Call, History


class Write(NamedTuple):
    """Codes of a key and of the value that was written to it, or read of it."""

    key: int
    value: int


@dataclass(frozen=True, slots=True)
class Strange:
    """A read that no order of the writes has to do with: its type, and what was read."""

    type: str
    reader: Call
    read: Write
    other: Call | None = None


@dataclass(slots=True)
class Transaction:
    """``seen``: by key what it read before it wrote the key itself, ``missed``: the keys that it read as null."""

    call: Call
    seen: dict[int, int] = field(default_factory=dict)
    missed: dict[int, None] = field(default_factory=dict)
    wrote: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class Scene:
    """All transactions by number; who perhaps wrote what, and who certainly did not (failed)."""

    codes: Codes
    transactions: list[Transaction] = field(default_factory=list)
    strange: list[Strange] = field(default_factory=list)
    writers: defaultdict[Write, list[int]] = field(default_factory=lambda: defaultdict(list))
    writers_of_key: defaultdict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    failed: defaultdict[Write, list[Call]] = field(default_factory=lambda: defaultdict(list))

    def key(self, code: int) -> Any:
        """The key as the history has it; of independent objects the pair of both."""
        independent, key = self.codes.value(code)
        return key if independent is None else [independent, key]

    def text(self, write: Write) -> str:
        key = self.key(write.key)
        name = key if isinstance(key, str) and key.isidentifier() and len(key) <= 40 else show(key)
        return f"{name}={show(self.codes.value(write.value))}"


def read(history: History) -> Scene:
    """Raises :class:`checkers.guard.Unsupported` for what is no transaction on registers, and
    :class:`harness.history.HistoryError`."""
    scene = Scene(Codes())
    for call in history.calls():
        if call.f == DUMP:
            continue
        transaction = _transaction(scene, call)
        number = len(scene.transactions)
        scene.transactions.append(transaction)
        for key, value in transaction.wrote.items():
            if call.outcome == "fail":
                scene.failed[Write(key, value)].append(call)
            else:
                scene.writers[Write(key, value)].append(number)
                scene.writers_of_key[key].append(number)
    return scene


def _transaction(scene: Scene, call: Call) -> Transaction:
    found = Transaction(call)
    for micro in micro_operations(call):
        key = scene.codes.code([call.key, micro.key])
        value = scene.codes.code(micro.value)
        if micro.is_write:
            if micro.value is None:
                raise Unsupported(f"operation {call.invoke}: read a write of null; expected a value: null is none")
            if key in found.wrote:
                raise Unsupported(
                    f"operation {call.invoke}: read two writes of the key {show(micro.key)}; expected one"
                )
            found.wrote[key] = value
        elif call.outcome == "ok":
            _take(scene, found, Write(key, value), is_null=micro.value is None)
    return found


def _take(scene: Scene, found: Transaction, read: Write, *, is_null: bool) -> None:
    """One read: it must agree with what the transaction wrote or read before."""
    key, value = read
    if key in found.wrote:
        if found.wrote[key] != value:
            scene.strange.append(Strange("internal", found.call, read))
    elif (key in found.missed and not is_null) or (key in found.seen and found.seen[key] != value):
        scene.strange.append(Strange("internal", found.call, read))
    elif is_null:
        found.missed[key] = None
    else:
        found.seen[key] = value
