"""A model of the user's own: a Python class with ``init`` and ``step``.

    class Register:
        def init(self):                          # or init(self, initial): the state before the first operation
            return 0

        def step(self, state, operation):        # the state after it, or None if it cannot have had this result
            if operation.f == "write":
                return operation.value
            return state if not operation.known or operation.result == state else None

Optional methods and attributes:

``partition(operation)``    the independent object the operation is about, if the history's keys do not say it already
``equality(a, b)``, ``hash(state)``   where ``==`` and ``hash`` of states are not what is meant, or do not exist
``observes(operation)``     true for operations that never change the state: far fewer orders need to be tried
``owners = True``           ``step`` looks at ``operation.process``, which is None otherwise

A state may be anything but None. A step that changes a state that it was given (a list, say) changes a copy.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Final

from checkers.guard import Unsupported
from checkers.linearizable.model import Kind, Reading, State, Step
from checkers.value import Codes
from harness.history import Call

_CONTAINERS: Final = (list, dict, set, tuple)


@dataclass(frozen=True, slots=True)
class CustomOperation:
    """What a user's model sees. ``known``: it is known to have happened, with this ``result``; otherwise it happens
    here with a result that nobody saw."""

    f: str
    value: Any
    result: Any
    known: bool
    process: Any = None


@dataclass(frozen=True, slots=True, eq=False)
class Custom:
    """The user's ``spec``, an instance, as a model; states and operations are numbered as they are met."""

    spec: Any
    name: str
    summary: str = "your own"
    kind: Kind = "other"
    _states: list[Any] = field(default_factory=list)
    _hashable: list[bool] = field(default_factory=list)
    _numbers: dict[Any, list[int]] = field(default_factory=dict)
    _operations: dict[int, CustomOperation] = field(default_factory=dict)
    _codes: Codes = field(default_factory=Codes)

    def begin(self, initial: Any, reading: Reading) -> State:
        from inspect import Parameter, signature  # slow to load, and only for models of the user's own

        positional = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD, Parameter.VAR_POSITIONAL)
        takes_initial = any(p.kind in positional for p in signature(self.spec.init).parameters.values())
        if initial is not None and not takes_initial:
            raise Unsupported(f"read an initial value; expected none: {self.name}.init takes no argument")
        state = self.spec.init(initial) if takes_initial else self.spec.init()
        if state is None:
            raise Unsupported(f"read None from {self.name}.init; expected a state, which is anything but None")
        return self._number(state)

    def parse(self, call: Call, reading: Reading) -> Step | None:
        process = call.process if getattr(self.spec, "owners", False) else None
        known = call.outcome == "ok"
        operation = CustomOperation(call.f, call.argument, call.result if known else None, known, process)
        number = reading.code([operation.f, operation.value, operation.result, known, process])
        self._operations.setdefault(number, operation)
        return Step(call.f, (number,))

    def step(self, state: State, step: Step) -> State | None:
        given = self._states[state] if self._hashable[state] else deepcopy(self._states[state])
        after = self.spec.step(given, self._operations[step.given[0]])
        return None if after is None else self._number(after)

    def observes(self, step: Step) -> bool:
        ask: Callable[[CustomOperation], bool] | None = getattr(self.spec, "observes", None)
        return ask is not None and bool(ask(self._operations[step.given[0]]))

    def parts(self, steps: Sequence[Step]) -> Sequence[Hashable] | None:
        ask: Callable[[CustomOperation], Any] | None = getattr(self.spec, "partition", None)
        return None if ask is None else [self._codes.code(ask(self._operations[s.given[0]])) for s in steps]

    def _number(self, state: Any) -> int:
        """The number of the first state that was equal to this one."""
        equality: Callable[[Any, Any], bool] | None = getattr(self.spec, "equality", None)
        bucket = self._numbers.setdefault(self._hash(state), [])
        for number in bucket:
            if self._states[number] == state if equality is None else equality(self._states[number], state):
                return number
        bucket.append(len(self._states))
        self._states.append(state)
        self._hashable.append(_is_hashable(state))
        return bucket[-1]

    def _hash(self, state: Any) -> Any:
        ask: Callable[[Any], Any] | None = getattr(self.spec, "hash", None)
        if ask is not None:
            return ask(state)
        if getattr(self.spec, "equality", None) is not None:
            return None  # equal states may have different hashes: every state is compared
        try:
            return ("code", self._codes.code(state)) if isinstance(state, _CONTAINERS) else hash(state)
        except TypeError as error:
            raise Unsupported(f"read a state of {self.name} that cannot be hashed ({error}); expected one that can, or "
                              "the methods equality and hash") from error  # fmt: skip


def _is_hashable(state: Any) -> bool:
    try:
        hash(state)
    except TypeError:
        return False
    return True


def custom(found: Any, name: str) -> Custom:
    """The model of a user's class or instance. Raises ValueError if it is none."""
    spec = found() if isinstance(found, type) else found
    for method in ("init", "step"):
        if not callable(getattr(spec, method, None)):
            raise ValueError(f"read the model {name!r}, which has no method {method}; expected init and step")
    return Custom(spec, name)
