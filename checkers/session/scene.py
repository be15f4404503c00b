"""A history by objects and sessions: what was written to each key, what was read, and whose writes each read saw."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from checkers.guard import Unsupported
from checkers.session.operation import (
    Atom,
    Found,
    Kind,
    NilReads,
    Operation,
    Reader,
    atoms,
    by_session,
    place_of,
)
from checkers.value import show
from harness.history import History


@dataclass(slots=True)
class Object:
    """One key. ``writes`` perhaps happened, ``failed`` did not, by their values; ``happened``: the ok ones, and those
    of unknown outcome that some read shows. ``reads`` are ok."""

    key: Atom
    kind: Kind
    writes: dict[Atom, list[Operation]] = field(default_factory=dict)
    failed: dict[Atom, Operation] = field(default_factory=dict)
    reads: list[Operation] = field(default_factory=list)
    happened: list[Operation] = field(default_factory=list)


@dataclass(slots=True)
class Scene:
    """A history by objects and sessions. ``linear[s]``: whether session s did one thing after the other, and went on
    only when it knew the outcome. ``initial`` is what every register holds at the beginning."""

    history: History
    objects: dict[Atom, Object]
    sessions: list[Any]
    linear: list[bool]
    initial: Atom
    versions: bool = False


def scene_of(
    history: History,
    initial: Any,
    nil_reads: NilReads,
    *,
    versions: bool = False,
    invocations: Iterable[int] | None = None,
) -> Scene:
    """The scene of a history, or of those operations whose ``invocations`` are given, in order.

    Raises :class:`checkers.guard.Unsupported` and :class:`harness.history.HistoryError`.
    """
    atom = atoms()
    reader = Reader(history, atom)
    found = reader.operations(invocations)
    kinds = _kinds(reader.kinds, found)
    objects: dict[Atom, Object] = {}
    for operation, outcome, raw in found:
        each = objects.setdefault(operation.key, Object(operation.key, kinds[operation.key]))
        if operation.is_write:
            if outcome == "fail":
                each.failed.setdefault(operation.value, operation)
            else:
                each.writes.setdefault(operation.value, []).append(operation)
        elif raw is not None or nil_reads == "value":
            _show(operation, raw, each.kind, atom)
            each.reads.append(operation)
    if initial is not None and any(each.kind != "register" for each in objects.values()):
        raise Unsupported(f"read the initial value {show(initial)}; expected none with lists or sets: they begin empty")
    scene = Scene(history, objects, reader.sessions, [], atom(initial), versions)
    find_happened(scene)
    scene.linear = find_linear(scene)
    return scene


def _kinds(written: Mapping[Atom, Kind], found: Sequence[Found]) -> dict[Atom, Kind]:
    """What each key is: what it is written to as; else a list, if that is what some read showed."""
    kinds = dict(written)
    kinds.update((o.key, "list") for o, _, raw in found if o.key not in written and isinstance(raw, (list, tuple)))
    default: Kind = "list" if "list" in written.values() else "register"
    return {operation.key: kinds.get(operation.key, default) for operation, _, _ in found}


def _show(read: Operation, raw: Any, kind: Kind, atom: Callable[[Any], Atom]) -> None:
    """What the read showed, once it is known what it read."""
    if kind == "register":
        read.value = atom(raw)
        return
    if raw is not None and not isinstance(raw, (list, tuple, set, frozenset)):
        raise Unsupported(f"operation {read.invoke}: read {show(raw)}; expected a list of elements, or null")
    read.shown = () if raw is None else tuple(map(atom, raw))


def find_happened(scene: Scene) -> None:
    """What of unknown outcome was seen has happened, and all of its transaction with it."""
    seen: set[int] = set()
    for each in scene.objects.values():
        for read in each.reads:
            find_sources(scene, each, read)
            seen.update(write.invoke for write in read.sources)
    for each in scene.objects.values():
        each.happened = sorted(
            (w for writes in each.writes.values() for w in writes if w.complete is not None or w.invoke in seen),
            key=place_of,
        )


def find_sources(scene: Scene, each: Object, read: Operation) -> None:
    """Whose writes the read saw, where only one may have been it."""
    if each.kind == "register":
        writers = begun_writes(each, read, read.value)
        is_initial = read.value == scene.initial
        read.clear = len(writers) + is_initial == 1
        read.sources = (writers[0],) if read.clear and writers else ()
        return
    found: list[Operation] = []
    writes, end, none = each.writes, -1 if read.complete is None else read.complete, ()
    for atom in dict.fromkeys(read.shown):
        begun: Sequence[Operation] = writes.get(atom, none)
        if len(begun) != 1 or begun[0].invoke >= end or begun[0].invoke == read.invoke:  # nearly always it is clear
            begun = begun_writes(each, read, atom)
        if len(begun) == 1:
            found.append(begun[0])
    read.sources = tuple(found)
    read.clear = len(found) == (len(read.shown) if each.kind == "list" else len(set(read.shown)))


def begun_writes(each: Object, read: Operation, atom: Atom) -> list[Operation]:
    """Who may have written what the read showed."""
    return [write for write in each.writes.get(atom, ()) if not write.began_after(read)]


def operations_of(scene: Scene) -> Iterator[Operation]:
    """All that happened, object by object."""
    for each in scene.objects.values():
        yield from each.happened
        yield from each.reads


def find_linear(scene: Scene) -> list[bool]:
    linear = [True] * len(scene.sessions)
    for session, operations in by_session(operations_of(scene)).items():
        for before, after in pairwise(operations):
            if not before.precedes(after):
                linear[session] = False
                break
    return linear
