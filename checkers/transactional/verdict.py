"""Which levels hold: every family of levels decided once, when it is asked for."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import Protocol

from checkers.transactional.cycle import parts, peeled
from checkers.transactional.decide import Scene, Violation, violation
from checkers.transactional.graph import Graph, build
from checkers.transactional.lattice import Family, Model, Order, forbids
from checkers.transactional.tail import ORDER_MATTERS, Dilemma, Undecided, dilemma
from checkers.transactional.transaction import transactions
from checkers.transactional.version_order import Inference, Versions, infer
from harness.history import History
from harness.result import Validity

_Key = tuple[Family, Order]


class Large(Protocol):
    """A graph that is not kept in Python's lists (checkers/transactional/columnar/)."""

    def serial(self, form: Order) -> tuple[array[int], str | None]: ...
    def settled_scenes(self) -> list[Scene]: ...


@dataclass(slots=True)
class Verdicts:
    """What is known of each (family, order): what forbids it, or why nobody can tell; neither: it holds.

    ``order``: the nodes of the graph that no cycle reaches, each before its successors. Of a ``large`` history both the
    graph and the order are there, and none here.
    """

    inference: Inference
    graph: Graph
    order: list[int]
    scenes: list[Scene]
    large: Large | None = None
    violations: dict[_Key, list[Violation]] = field(default_factory=dict)
    dilemmas: dict[_Key, Dilemma] = field(default_factory=dict)
    undecided: dict[_Key, str] = field(default_factory=dict)

    def of(self, model: Model) -> Validity:
        if any(forbids(model, each.type) for each in self.inference.observations):
            return False
        key = (model.family, model.order)
        if key not in self.violations:
            self.violations[key] = []
            self._decide(*key)
        if self.violations[key] or key in self.dilemmas:
            return False
        return "unknown" if key in self.undecided else True

    def _decide(self, family: Family, order: Order) -> None:
        scenes = self.scenes
        if family is Family.WRITES:
            scenes = self._settled(order)
            if not self.inference.ordered:
                self.undecided[family, order] = (
                    "the reads of a list contradict each other: uncommitted states may explain that, and then the "
                    "order of its appends is not known")  # fmt: skip
        found = [each for each in (violation(scene, family, order) for scene in scenes) if each is not None]
        self.violations[family, order] = found
        if found or family not in ORDER_MATTERS:
            return
        for scene in scenes:
            try:
                refuted = dilemma(scene, family, order)
            except Undecided as error:
                self.undecided[family, order] = str(error)
                continue
            if refuted is not None:
                self.dilemmas[family, order] = refuted
                return

    def _settled(self, order: Order) -> list[Scene]:
        """Without the transactions of unknown outcome: uncommitted, too, their appends may have been read here."""
        if not self.inference.unsettled or not any(violation(scene, Family.WRITES, order) for scene in self.scenes):
            return self.scenes
        if self.large is not None:
            return self.large.settled_scenes()
        return examined(_without_unknown(self.inference), self.scenes[0].part.deadline).scenes


def _without_unknown(inference: Inference) -> Inference:
    def certain(number: int) -> bool:
        return inference.transactions[number].outcome == "ok"

    versions = {}
    for key, each in inference.versions.items():
        kept = [place for place, writer in enumerate(each.writers) if certain(writer)]
        elements, writers = tuple(each.elements[place] for place in kept), [each.writers[place] for place in kept]
        versions[key] = Versions(key, elements, writers, [number for number in each.tail if certain(number)])
    committed = [number for number in inference.committed if certain(number)]
    return Inference(inference.transactions, committed, versions, [], inference.ordered)


def settled(found: Verdicts, order: Order) -> Verdicts:
    """What shows that read uncommitted holds: of the transactions of unknown outcome either those whose appends were
    read committed, or none did."""
    inference = found.inference
    if not inference.unsettled or not any(violation(scene, Family.WRITES, order) for scene in found.scenes):
        return found
    return examined(_without_unknown(inference), found.scenes[0].part.deadline)


def examined(inference: Inference, deadline: float | None = None) -> Verdicts:
    """The graph and its components, no level decided yet."""
    graph = build(inference)
    order, rest = peeled(graph)
    scenes = [Scene(inference, part) for part in parts(graph, rest, inference.transactions, deadline)]
    return Verdicts(inference, graph, order, scenes)


def verdicts(history: History, deadline: float | None = None) -> Verdicts:
    """Everything that is needed to ask for levels. Raises what :func:`transactions` and :func:`infer` raise."""
    return examined(infer(transactions(history)), deadline)
