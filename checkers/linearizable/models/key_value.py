"""One key of a store: get, put and append (to a string, or to a list)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from checkers.guard import Unsupported
from checkers.linearizable.model import Kind, Model, Reading, State, Step, strange, strange_value
from checkers.linearizable.models.register import Register
from checkers.value import show
from harness.history import Call

_READS, _WRITES = ("get", "read"), ("put", "write", "set")


@dataclass(frozen=True, slots=True)
class KeyValue:
    """append concatenates strings, or adds an element if any answer or value of the key is a list, or anything
    but a string is appended (``lists``). nil is
    the empty string or list to append to. A key that is never appended to is a register.

    The state is a string, or a tuple of codes, in a tuple of one; (None,) where there is nothing yet.
    """

    name: str = "kv"
    summary: str = "keys; get, put, append"
    kind: Kind = "other"
    lists: bool = False

    def adapted(self, calls: Sequence[Call], initial: Any) -> Model:
        if all(call.f != "append" for call in calls):
            return Register(self.name, self.summary, reads=_READS, writes=_WRITES)
        values = [initial, *(call.argument for call in calls if call.f in _WRITES)]
        values += [call.result for call in calls if call.outcome == "ok" and call.f in _READS]
        appended = [call.argument for call in calls if call.f == "append"]
        lists = any(isinstance(value, (list, tuple)) for value in values)
        return replace(self, lists=lists or not all(isinstance(value, str) for value in appended))

    def begin(self, initial: Any, reading: Reading) -> State:
        content = self._content(initial, reading)
        if content is Unsupported:
            raise Unsupported(f"read the initial value {show(initial)}; expected {self._expected()}")
        return (content,)

    def parse(self, call: Call, reading: Reading) -> Step | None:
        if call.f in _READS:
            if not reading.answers(call):
                return None
            return Step("get", (), self._checked(call, call.result, reading))
        if call.f in _WRITES:
            return Step("put", (self._checked(call, call.argument, reading),))
        if call.f != "append":
            raise strange(call, "get, put or append")
        if self.lists:
            return Step("append", ((reading.code(call.argument),),))
        if not isinstance(call.argument, str):
            raise strange_value(call, call.argument, "a string")
        return Step("append", (call.argument,))

    def _expected(self) -> str:
        return f"a {'list' if self.lists else 'string'} or null, as it is appended to"

    def _checked(self, call: Call, value: Any, reading: Reading) -> Any:
        content = self._content(value, reading)
        if content is Unsupported:
            raise strange_value(call, value, self._expected())
        return content

    def _content(self, value: Any, reading: Reading) -> Any:
        if value is None or (isinstance(value, str) and not self.lists):
            return value
        if isinstance(value, (list, tuple)) and self.lists:
            return tuple(reading.code(element) for element in value)
        return Unsupported

    def step(self, state: State, step: Step) -> State | None:
        (content,) = state
        if step.f == "put":
            return step.given
        if step.f == "get":
            return state if content == step.returned else None
        return step.given if content is None else (content + step.given[0],)

    def observes(self, step: Step) -> bool:
        return step.f == "get"

    def foresee(self, required: Sequence[Step], optional: Sequence[Step]) -> Callable[[State], State | None] | None:
        """What is only appended to passes through every prefix of the longest answer. Otherwise, contents that are no
        prefix of any answer are all alike until the next put."""
        answers = {step.returned for step in required if step.f == "get" and step.returned}
        if any(step.f == "put" for step in (*required, *optional)):
            return _alike(answers)
        longest = max(answers, key=len, default=None)
        if longest is None:
            return None

        def through_longest(state: State) -> State | None:
            (content,) = state
            shared = 0 if content is None else min(len(longest), len(content))
            return state if content is None or content[:shared] == longest[:shared] else None

        return through_longest

    def overwrites(self, later: Step, earlier: Step) -> bool:
        return later.f == "put" and earlier.f != "get"

    def attainable(self, observer: Step, possible: Sequence[Step]) -> Callable[[State], bool]:
        """A put that begins the answer may be followed by more appends than are known here; without one, an append has
        to go on with the answer."""
        answer = observer.returned
        begins = any(step.f == "put" and _begins(step.given[0], answer) for step in possible)
        pieces = {step.given[0] for step in possible if step.f == "append"}

        def possible_from(state: State) -> bool:
            (content,) = state
            if begins or content == answer:
                return True
            if not _begins(content, answer):
                return False
            known = 0 if content is None else len(content)
            return any(answer[known : known + len(piece)] == piece for piece in pieces)

        return possible_from


def _begins(content: Any, answer: Any) -> bool:
    if content is None or answer is None:
        return content is None
    return bool(answer[: len(content)] == content)


def _alike(answers: Collection[Any]) -> Callable[[State], State]:
    unseen: list[State] = []

    def canonical(state: State) -> State:
        (content,) = state
        if not content or any(answer[: len(content)] == content for answer in answers):
            return state
        if not unseen:
            unseen.append(state)
        return unseen[0]

    return canonical
