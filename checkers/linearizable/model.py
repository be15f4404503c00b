"""What a model is: a sequential object, told as pure functions of a state and a step.

The values of a history are replaced by their codes (``checkers.value``) before a model sees them, so that equality of
values is equality of integers. The models themselves, by name, are in ``checkers.linearizable.models``.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple, Protocol, runtime_checkable

from checkers.guard import Unsupported
from checkers.value import Codes, show
from harness.history import Call

State = Any  # hashable, never None; equal exactly when the objects are indistinguishable
UNKNOWN: Final = None
EMPTY: Final = "empty"  # what is returned by taking from a container in which there is nothing

# "register": states are codes, steps are read, write and cas. The containers are decided by their order. All others
# are known by their steps alone.
Kind = Literal["register", "queue", "bag", "stack", "priority", "other"]


class Step(NamedTuple):
    """An operation as a model sees it: its name, its arguments, and what it returned; UNKNOWN where nobody knows."""

    f: str
    given: tuple[Any, ...] = ()
    returned: Any = UNKNOWN


@dataclass(frozen=True, slots=True)
class Reading:
    """How a history is read: the codes of its values, and whether an answer of nil is one."""

    codes: Codes
    nil_is_value: bool = True

    def code(self, value: Any) -> int:
        return self.codes.code(value)

    def answers(self, call: Call) -> bool:
        """Whether a read says anything: it completed, and not with a nil that means "no information"."""
        return call.outcome == "ok" and (self.nil_is_value or call.result is not None)


class Model(Protocol):
    """A sequential object, of which a linearizable system is an indistinguishable copy (Herlihy & Wing 1990)."""

    @property
    def name(self) -> str: ...
    @property
    def summary(self) -> str: ...
    @property
    def kind(self) -> Kind: ...

    def begin(self, initial: Any, reading: Reading) -> State:
        """The state before the first operation. Raises :class:`checkers.guard.Unsupported`."""

    def parse(self, call: Call, reading: Reading) -> Step | None:
        """The call as a step; None if it says nothing and does nothing. What was returned by a call that is not known
        to have happened is UNKNOWN. Raises :class:`checkers.guard.Unsupported`."""

    def step(self, state: State, step: Step) -> State | None:
        """The state after the step, or None if the object would not have answered so."""

    def observes(self, step: Step) -> bool:
        """Whether the step leaves every state as it is."""


@runtime_checkable
class Adapting(Protocol):
    """A model that reads an object's calls in the light of all of them."""

    def adapted(self, calls: Sequence[Call], initial: Any) -> Model: ...


@runtime_checkable
class Partitioned(Protocol):
    """A model that may consist of independent objects, each linearizable by itself."""

    def parts(self, steps: Sequence[Step]) -> Sequence[Hashable] | None:
        """Of each step the object it is about; None if all are about the same."""


@runtime_checkable
class Selective(Protocol):
    """A model that knows which steps, if they need not happen, can be left out of any order."""

    def relevant(self, required: Sequence[Step], optional: Sequence[Step], initial: State = None) -> Sequence[bool]:
        """Of each optional step whether the required ones may need it, from the state ``initial`` (None: any)."""


@runtime_checkable
class Foresighted(Protocol):
    """A model of whose states only some can matter to given steps."""

    def foresee(self, required: Sequence[Step], optional: Sequence[Step]) -> Callable[[State], State | None] | None:
        """Of each state one that no order of these steps can tell from it, the same for as many states as possible;
        None for a state that is on no way through all required steps."""


@runtime_checkable
class ForesightedInTime(Protocol):
    """A model of whose states only some can matter to given steps, with the times at which these were."""

    def foresee_in_time(
        self, required: Sequence[Step], optional: Sequence[Step], initial: State, precedes: Callable[[int, int], bool]
    ) -> Callable[[State], State | None] | None:
        """As ``foresee``, from the state ``initial`` on; ``precedes`` tells of two required steps, by number, whether
        the one had completed when the other was invoked. It is asked of every state but the first, after the state
        before it."""


@runtime_checkable
class Overwriting(Protocol):
    """A model that knows which steps leave no trace of others."""

    def overwrites(self, later: Step, earlier: Step) -> bool:
        """Whether ``earlier`` is possible in every state, and ``later`` does the same whether or not ``earlier`` took
        effect just before it."""


@runtime_checkable
class Independent(Protocol):
    """A model that knows which steps never matter to each other."""

    def independent(self, one: Step, other: Step) -> bool:
        """Whether the two lead to the same, and are possible, in either order, wherever they are in one."""


@runtime_checkable
class Foreseeing(Protocol):
    """A model that knows what an observer needs."""

    def attainable(self, observer: Step, possible: Sequence[Step]) -> Callable[[State], bool]:
        """Of each state whether the observer's answer may yet come about, if no other steps than these (each once) can
        take effect before."""


def strange(call: Call, expected: str) -> Unsupported:
    """An operation that the model does not know."""
    return Unsupported(f"operation {call.invoke}: read the operation {show(call.f)}; expected {expected}")


def strange_value(call: Call, value: Any, expected: str) -> Unsupported:
    """A value that the model cannot take."""
    return Unsupported(f"operation {call.invoke}: read the {call.f} value {show(value)}; expected {expected}")


def operation_name(call: Call) -> str:
    """The operation's name, in one spelling."""
    return call.f.replace("-", "_").lower()
