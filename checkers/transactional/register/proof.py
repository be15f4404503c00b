"""The commit order that proves a level of a history of registers: of a saturated graph, or of a solver's schedule."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from checkers.transactional.axiom import SNAPSHOTS
from checkers.transactional.commit_order import CommitOrder
from checkers.transactional.cycle import peeled
from checkers.transactional.lattice import MODELS, Family, Model, implied
from checkers.transactional.register.history import INITIAL, RegisterHistory
from checkers.transactional.register.polygraph.schedule import Schedule
from checkers.transactional.register.reading import Reading
from checkers.transactional.register.saturation import POLYNOMIAL, saturated
from checkers.transactional.register.verdict import Verdicts
from checkers.transactional.transaction import Atom


def proof(reading: Reading, found: Verdicts, model: Model) -> CommitOrder:
    """The level must hold. Raises :class:`checkers.guard.OutOfTimeError`."""
    history, snapshots = found.history, None
    if model.family is Family.WRITES:
        order: Sequence[int] = range(len(history))  # as they were invoked: nothing that was read says otherwise
    elif model.family in POLYNOMIAL:
        nodes, rest = peeled(saturated(found.known, model.family, model.order))
        assert not rest, f"{model.name} holds, and its commits have a cycle"
        order = [node for node in nodes if node < len(history)]
    else:
        schedule = _schedule(found, model)
        order = schedule.order()
        if model.family in SNAPSHOTS:
            commits = [schedule.commits[number] for number in order]
            snapshots = [bisect_left(commits, schedule.begins[number]) for number in order]
    invokes = [each.invoke for each in history.transactions]
    return CommitOrder([invokes[number] for number in order], snapshots, _sources(reading, history))


def _schedule(found: Verdicts, model: Model) -> Schedule:
    """That of the level, or of a stronger one."""
    for name, stronger in MODELS.items():
        known = found.proofs.get((stronger.family, stronger.order))
        if known is not None and model.name in implied(name):
            return known
    decision = found.polygraphs.decide(model.family, model.order)
    assert decision.proof is not None, f"{model.name} holds, and has no schedule"
    return decision.proof


def _sources(reading: Reading, history: RegisterHistory) -> dict[tuple[int, int], int | None]:
    """Who wrote what was read, where the value was there at first, or was written several times."""
    written: dict[tuple[Atom, Atom], int] = {}
    for each in history.transactions:
        for key, values in each.appends.items():
            written[key, values[-1]] = written.get((key, values[-1]), 0) + 1
    found: dict[tuple[int, int], int | None] = {}
    for register in history.registers:
        initial = reading.initial(register.key)
        for reader, writer, place in register.reads:
            if writer == INITIAL:
                value, sources = initial, 1
            else:
                value = history.transactions[writer].appends[register.key][-1]
                sources = int(value == initial)
            if written.get((register.key, value), 0) + sources > 1:
                invoke = None if writer == INITIAL else history.transactions[writer].invoke
                found[history.transactions[reader].invoke, place] = invoke
    return found
