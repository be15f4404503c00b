"""The pairs' solver by z3 with a propagator of its own: each choice that closes a cycle is refused as it is made.

It does not close the gap to SAT. Measured (benchmarks/polygraph_solvers.py; 200 transactions, 1,560 open pairs, CPU
seconds, medians): from the guess 0.14, SAT 0.02, z3 lazily 0.04, z3's numbers 1.1; from the order of the invocations
0.9, 0.06, 0.09 and 0.6, two of ten given up. z3 goes far back at each conflict and then makes some thousand choices
again, each a call of Python, while the lazy way finds hundreds of cycles in one pass over all choices. What did close
the gap is the guess: without it as initial values the same propagator needs a hundred times the choices.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import z3

from checkers.transactional.register.polygraph.acyclic import Acyclic, acyclic
from checkers.transactional.register.polygraph.residue import Clause, Residue
from checkers.transactional.register.polygraph.smt import begin_with, declared, memory_bytes, satisfiable, tell


class _Propagator(z3.UserPropagateBase):  # type: ignore[misc]
    """What z3 tells of its choices, and is told of them. What a callback raises would be lost in z3: ``failure`` has
    it."""

    def __init__(self, solver: Any, open_: Residue) -> None:
        super().__init__(solver)
        self.open_: Residue | None = open_
        self.graph: Acyclic = acyclic(open_.graph.before, open_.graph.topological)
        self.pairs = [z3.Bool(f"p{number}") for number in range(1, len(open_.pairs) + 1)]
        self.number = {pair.get_id(): number for number, pair in enumerate(self.pairs)}
        self.chosen: dict[int, bool] = {}  # in the order in which they were
        self.levels: list[tuple[int, int]] = []
        self.failure: Exception | None = None
        self.add_fixed(self._fixed)
        self.add_final(self._final)
        for pair in self.pairs:
            self.add(pair)

    def push(self) -> None:
        self.levels.append((len(self.chosen), len(self.graph)))

    def pop(self, num_scopes: int) -> None:
        choices, edges = self.levels[-num_scopes]
        del self.levels[-num_scopes:]
        while len(self.chosen) > choices:
            self.chosen.popitem()
        self.graph.take_back(edges)

    def forget(self) -> None:
        """z3's Python keeps every propagator for good: let go of all that is large."""
        self.open_, self.graph = None, Acyclic([], [], [])
        self.pairs, self.number, self.chosen = [], {}, {}

    def _fixed(self, pair: Any, value: Any) -> None:
        try:
            self._choose(self.number[pair.get_id()], z3.is_true(value))
        except Exception as error:  # noqa: BLE001 - it is raised again where z3 has returned
            self.failure = error

    def _choose(self, number: int, value: bool) -> None:
        assert self.open_ is not None, "asked after the end"
        self.chosen[number] = value
        literal = number + 1 if value else -number - 1
        for source, target in self.open_.sides[number][not value].edges:
            labels = self.graph.add(source, target, literal)
            if labels:
                self._refuse(labels)
                return

    def _final(self) -> None:
        """Everything is chosen: what singles forbid is found as by the lazy way."""
        try:
            if self.open_ is not None and len(self.chosen) == len(self.pairs):
                for clause in self.open_.conflicts([self.chosen[number] for number in range(len(self.pairs))]):
                    self._refuse(clause)
        except Exception as error:  # noqa: BLE001 - as above
            self.failure = error

    def _refuse(self, literals: Clause | frozenset[int]) -> None:
        self.conflict([self.pairs[abs(each) - 1] for each in literals])


def propagated(open_: Residue, first: Sequence[bool]) -> list[bool] | None:
    """Values of the pairs that close no cycle, None if there are none. Raises
    :class:`checkers.guard.OutOfTimeError`, and :class:`MemoryError`."""
    if memory_bytes() == 0:
        raise MemoryError("no memory is left for z3")
    solver: Any = z3.SimpleSolver()
    tell(solver, declared(len(first)), open_.graph.deadline)
    begin_with(solver, first)
    propagator = _Propagator(solver, open_)
    try:
        possible = satisfiable(solver, open_.graph.deadline)
        if propagator.failure is not None:
            raise propagator.failure
        if not possible:
            return None
        model = solver.model()
        values = [z3.is_true(model.eval(pair, model_completion=True)) for pair in propagator.pairs]
    finally:
        propagator.forget()
    assert not open_.conflicts(values), "z3 chose what its propagator had refused"
    return values
