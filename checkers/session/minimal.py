"""Witnesses made 1-minimal, and decided once more by themselves.

A set S of operations is a witness if the history breaks the guarantee even when every read outside S is removed and
every write outside S may have happened or not, at any time after its invocation. It is 1-minimal if no member can be
left out.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Final

from checkers.session.decide import decide, examined
from checkers.session.operation import Atom, Operation, place_of
from checkers.session.scene import Object, Scene, find_happened, find_linear
from checkers.session.violation import Violation

MEMBERS_MAX: Final = 48


def minimal(scene: Scene, name: str, violation: Violation) -> tuple[tuple[Operation, ...], bool]:
    """The witness without what it does not need, and whether it is 1-minimal for certain.

    Raises AssertionError if it is none: then the violation is a mistake of ours.
    """
    witness = list(dict.fromkeys(sorted(violation.witness, key=place_of)))
    if len(witness) > MEMBERS_MAX:
        return tuple(witness), False
    calls = {operation.invoke for operation in witness}
    keys = {violation.key, *(operation.key for operation in witness)}
    scene = asking(replace(scene, objects={key: scene.objects[key] for key in keys}), calls)
    assert breaks(scene, name, calls), f"the witness of {violation.type} does not break {name}"
    for operation in witness[::-1]:
        fewer = calls - {operation.invoke}
        if operation.invoke in calls and breaks(scene, name, fewer):
            calls = fewer
    return tuple(operation for operation in witness if operation.invoke in calls), True


def breaks(scene: Scene, name: str, calls: Collection[int]) -> bool:
    """Whether these operations, by their invocations, break the guarantee."""
    asked = asking(scene, calls)
    return bool(decide(examined(asked, _no_tick), name, _no_tick).violations)


def asking(scene: Scene, calls: Collection[int]) -> Scene:
    """The scene with only these operations certain, and without what has no part in it."""
    objects: dict[Atom, Object] = {}
    for key, each in scene.objects.items():
        reads = [replace(read, sources=(), clear=True) for read in each.reads if read.invoke in calls]
        shown = {atom for read in reads for atom in ((read.value,) if each.kind == "register" else read.shown)}
        writes = {atom: kept for atom, several in each.writes.items() if (kept := _kept(several, calls, atom in shown))}
        if reads or writes:
            objects[key] = Object(key, each.kind, writes, each.failed, reads)
    asked = replace(scene, objects=objects)
    find_happened(asked)
    asked.linear = find_linear(asked)
    return asked


def _kept(writes: Sequence[Operation], calls: Collection[int], shown: bool) -> list[Operation]:
    return [write if write.invoke in calls else replace(write, complete=None)
            for write in writes if shown or write.invoke in calls]  # fmt: skip


def _no_tick() -> None:
    """A witness is small."""
