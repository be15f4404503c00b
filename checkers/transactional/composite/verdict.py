"""Which levels a history of sets, counters and ranges satisfies, each decided once, when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field
from itertools import product
from time import monotonic
from typing import Final, NamedTuple

from checkers.guard import OutOfTimeError, Unsupported
from checkers.transactional.composite.counter_read import can_add_up, counter_possibilities
from checkers.transactional.composite.phantom import items_on_no_cycle
from checkers.transactional.composite.possibility import Object, Possibility, Whole, Wrong
from checkers.transactional.composite.reading import Composite
from checkers.transactional.composite.serial import refute, serial_order
from checkers.transactional.composite.world import Registers, of_items
from checkers.transactional.lattice import MODELS, STRICT, Family, Model, Order, forbids, implied
from checkers.transactional.register.verdict import Verdicts, verdicts
from harness.result import Validity

WORLDS_MAX: Final = 512
SEARCHED_MAX: Final = 400
TOO_MANY: Final = "too many choices of increments, adds or writes explain what was read"
SERIAL: Final = {Order.NONE: "serializable", Order.SESSION: "strong-session-serializable", Order.REALTIME: STRICT}


def check_time(deadline: float | None) -> None:
    """Raises :class:`checkers.guard.OutOfTimeError`."""
    if deadline is not None and monotonic() > deadline:
        raise OutOfTimeError("what each read may have seen was being worked out")


class World(NamedTuple):
    """One possibility of what all reads saw; ``items`` without what predicate reads missed."""

    whole: Verdicts
    items: Verdicts


class Unread(NamedTuple):
    """A read that no possibility explains, once what sessions or real time order is taken into account: the updates
    that it must have seen, and those that it cannot have."""

    known: Object
    whole: Whole
    required: Set[int]
    excluded: Set[int]


Level = tuple[Family, Order]


class _Question(NamedTuple):
    order: Order
    visible: bool  # whether what came before must be seen


@dataclass(slots=True)
class Answers:
    """``wrong``: reads that are wrong in any order. ``base``: the history without the reads of sets and counters.
    ``worlds[question]``: every possibility, or why there is none; None if there are too many. ``serial[form]``: a
    serial order that explains everything. ``unsure``: why an answer is unknown. ``settled``: of a very large set the
    levels that hold if the few transactions that are looked at satisfy them; None: all."""

    composite: Composite
    registers: Registers
    wrong: list[Wrong]
    open_: list[tuple[Object, Whole, list[Possibility] | None]]
    base: Verdicts
    deadline: float | None
    misses: bool
    answers: dict[str, Validity] = field(default_factory=dict)
    unsure: dict[str, str] = field(default_factory=dict)
    worlds: dict[_Question, list[World] | Unread | None] = field(default_factory=dict)
    serial: dict[Order, list[int]] = field(default_factory=dict)
    settled: frozenset[Level] | None = None
    _searched: bool = False

    @property
    def several(self) -> bool:
        """Whether some read may have seen one thing or another."""
        return any(possible is None or len(possible) > 1 for _, _, possible in self.open_)

    def of(self, model: Model) -> Validity:
        """Raises :class:`checkers.guard.OutOfTimeError`."""
        if model.name not in self.answers:
            self.answers[model.name] = self._of(model)
        return self.answers[model.name]

    def known(self, model: Model) -> Validity:
        """The same, without a search."""
        if model.name not in self.answers:
            inherited = self._inherited(model)
            if inherited is None:
                return "unknown"
            self.answers[model.name] = inherited
        return self.answers[model.name]

    def misread(self, model: Model) -> bool:
        """Whether a wrong read forbids the level."""
        return any(forbids(model, each.type) for each in self.wrong) or self.base.misread(model)

    def _inherited(self, model: Model) -> Validity | None:
        """What wrong reads and other levels already say."""
        if self.misread(model):
            return False
        if model.family is Family.WRITES:
            return True  # nothing that was read says which order the writes had
        weaker = implied(model.name) - (self._beside(model) if self._by_items(model) else frozenset())
        if any(self.answers.get(each) is False for each in weaker):
            return False
        if any(answer is True and model.name in implied(name) for name, answer in self.answers.items()):
            return True
        return None

    def _by_items(self, model: Model) -> bool:
        """Whether the level is repeatable read beside predicate reads that missed keys."""
        return self.misses and model.name.endswith("repeatable-read")

    def _beside(self, model: Model) -> frozenset[str]:
        """Of what repeatable read implies elsewhere, what phantoms can break by themselves."""
        forms = {name for name in implied(model.name) if name.endswith("repeatable-read")}
        return frozenset((*forms, "monotonic-atomic-view"))

    def _of(self, model: Model) -> Validity:
        found = self._inherited(model)
        if found is not None:
            return found
        self._search()
        if any(model.name in implied(SERIAL[form]) for form in self.serial):
            return True
        worlds = self.possible(model)
        if isinstance(worlds, Unread):
            return False
        if worlds is None:
            self.unsure[model.name] = TOO_MANY
            return "unknown"
        if self._by_items(model):
            return self._repeatable(model, worlds)
        if self.misses and model.family is Family.CURSOR:
            return any(self._in_time(each.items.of(model)) for each in worlds)
        if not any(self._in_time(each.whole.of(model)) for each in worlds):
            return False
        if self.settled is None or (model.family, model.order) in self.settled:
            return True
        self.unsure[model.name] = "the set is too large: only some of what is on cycles was looked at"
        return "unknown"

    def _repeatable(self, model: Model, worlds: Sequence[World]) -> Validity:
        serial = self.of(MODELS[SERIAL[model.order]])
        if serial is not False:
            return serial
        held = [each for each in worlds if self._in_time(each.items.of(model))]
        whole = not self._open_adds() and all(
            self.of(MODELS[name]) is True for name in self._beside(model) - {model.name}
        )
        for each in held if whole else ():
            proofs = (each.items.proofs.get((Family.ANY, form)) for form in reversed(Order))
            proof = next((found for found in proofs if found is not None), None)
            if proof is not None and items_on_no_cycle(each.whole.history, model.order, proof.commits):
                return True
        if held:
            self.unsure[model.name] = (
                "a phantom is on a cycle with antidependencies of items, or splits what one transaction wrote: whether "
                "Adya's PL-2.99 forbids that can be read both ways")  # fmt: skip
        return "unknown" if held else False

    def _open_adds(self) -> bool:
        """Whether a read may have seen an add or not, as another one hides it: either way there is an edge more, which
        no order of commits contradicts, but which may be an item's on the cycle of a phantom."""
        return any(
            known.updates.keys() - possibility.present - possibility.absent - {whole.reader.number}
            for known, whole, possible in self.open_
            for possibility in possible or ()
        )

    def _in_time(self, answer: bool) -> bool:
        check_time(self.deadline)
        return answer

    def _search(self) -> None:
        """Look for a serial order, where what reads saw is a choice; of a long history only in real time."""
        if self._searched or self.serial or not self.several:
            return
        self._searched = True
        long = len(self.composite.transactions) > SEARCHED_MAX
        for form in (Order.REALTIME,) if long else tuple(reversed(Order)):
            order = serial_order(self.composite, form, self.deadline)
            if order is not None:
                objection = refute(self.composite, order, form)
                assert objection is None, f"the serial order does not explain the history: {objection}"
                self.serial[form] = order
                return

    # ------------------------------------------------------------------ possibilities

    def possible(self, model: Model) -> list[World] | Unread | None:
        """Every possibility that the level's order of sessions or of real time leaves."""
        plain = _Question(Order.NONE, visible=False)
        if plain not in self.worlds:
            self.worlds[plain] = self._worlds(plain)
        if self.worlds[plain] is not None or model.order is Order.NONE:
            return self.worlds[plain]
        question = self._question(model)
        if question not in self.worlds:
            self.worlds[question] = self._worlds(question)
        return self.worlds[question]

    def unread(self, model: Model) -> Unread | None:
        """A read of a counter that alone cannot be explained in the level's order of sessions or of real time."""
        question = self._question(model)
        reads = (self._unread(known, whole, question) for known, whole, _ in self.open_ if known.type == "counter")
        return None if model.order is Order.NONE else next((each for each in reads if each is not None), None)

    def _question(self, model: Model) -> _Question:
        return _Question(model.order, visible=f"{model.order.value}read-atomic" in implied(model.name))

    def _unread(self, known: Object, whole: Whole, question: _Question) -> Unread | None:
        required, excluded = self._ordered(known, whole, question)
        if can_add_up(known, whole, required, excluded) is False:
            return Unread(known, whole, required, excluded)
        return None

    def _worlds(self, question: _Question) -> list[World] | Unread | None:
        several: list[list[tuple[Object, Whole, Possibility]]] = []
        count = 1
        for known, whole, possible in self.open_:
            self._in_time(True)
            required, excluded = self._ordered(known, whole, question)
            left = possible
            if question.order is not Order.NONE and known.type == "counter":
                unread = self._unread(known, whole, question)
                if unread is not None:
                    return unread
                left = None if count > WORLDS_MAX else counter_possibilities(known, whole, required, excluded)
            elif question.order is not Order.NONE:
                left = [each for each in possible or () if not each.absent & required and not each.present & excluded]
            if left is not None and not left:
                return Unread(known, whole, required, excluded)
            count = WORLDS_MAX + 1 if left is None else count * len(left)
            several.append([(known, whole, each) for each in left or ()])
        try:
            return None if count > WORLDS_MAX else list(self._built(several))
        except Unsupported:  # too many transactions may have written what was read of registers
            if not self.serial:
                raise
            return None

    def _built(self, several: Sequence[Sequence[tuple[Object, Whole, Possibility]]]) -> Iterator[World]:
        for choice in product(*several):
            for history in self.registers.histories(choice):
                whole = verdicts(history, self.deadline)
                yield World(whole, verdicts(of_items(history), self.deadline) if self.misses else whole)

    def _ordered(self, known: Object, whole: Whole, question: _Question) -> tuple[Set[int], Set[int]]:
        """Whose updates the read must have seen, and whose it cannot have."""
        if question.order is Order.NONE:
            return frozenset(), frozenset()
        reader, transactions = whole.reader, self.composite.transactions
        assert reader.complete is not None, "only reads of what committed are kept"
        related = [
            each for each in map(transactions.__getitem__, known.updates)
            if question.order is Order.REALTIME or each.session == reader.session
        ]  # fmt: skip
        excluded = {each.number for each in related if each.invoke > reader.complete}
        if not question.visible:
            return frozenset(), excluded
        before = (each for each in related if each.complete is not None and each.complete < reader.invoke)
        return {each.number for each in before}, excluded
