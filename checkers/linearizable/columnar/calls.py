"""A history's calls as arrays: those that took effect or may have, each with its act, its key and its value.

What an operation's name means is asked of the model itself; what it does not know, and what the methods here have no
word for, is *foreign*, and its key is left to those that have. Values are equal exactly when their kinds and their
numbers are: an integer is its own number, anything else that is not null has the code that ``checkers.value`` gives it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from checkers.guard import OutOfTimeError, Unsupported
from checkers.linearizable.columnar.swaps import swaps_of
from checkers.linearizable.limit import Limit
from checkers.linearizable.model import Model, Reading
from checkers.value import Codes
from harness.columns import NIL, NO_KEY, OTHER, Columns
from harness.history import DUMP, FAIL, INFO, INVOKE, OK, Call

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Bytes = NDArray[np.uint8]
    Flags = NDArray[np.bool_]

PASSED, FOREIGN, WRITE, READ, PUT, TAKE, ADD, REMOVE, CONTAINS, CAS = range(10)
NOTHING_KNOWN, NO, YES = range(3)  # what an answer of a set says
REGISTER: Final[Mapping[str, int]] = {"write": WRITE, "read": READ, "cas": CAS}
CONTAINER: Final[Mapping[str, int]] = {"put": PUT, "take": TAKE}
SET: Final[Mapping[str, int]] = {"add": ADD, "remove": REMOVE, "contains": CONTAINS}
"""What a family of models calls its steps, and the acts that they are."""
_CLOCK_EVERY: Final = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Values:
    """Of every line that matters its value: equal where ``kinds`` and ``numbers`` both are. Indexed by line.

    Of a compare-and-set these are the value that it leaves; ``old_kinds`` and ``old_numbers``, the value that it
    expects; ``strange`` where there are not two. These three are empty where there is no compare-and-set.
    """

    kinds: Bytes
    numbers: Ints
    old_kinds: Bytes
    old_numbers: Ints
    strange: Flags


@dataclass(frozen=True, slots=True, eq=False)
class Calls:
    """What was asked of the objects. Keys are numbered by their first appearance.

    ``lines``, ``line_keys``  the invocations of all calls, and their keys' numbers.
    ``key_codes``             of each key its code in ``Columns.keys``; NO_KEY for none.
    ``foreign``               of each key whether something was done with it that the methods here have no word for.

    Of the calls that took effect or may have, and that say anything, by invocation:

    ``invokes``, ``completes``  their lines; ``never``, which is after all lines, where nobody knows whether they did.
    ``acts``, ``keys``          which act; on the key of which number.
    ``kinds``, ``numbers``      the value: what a READ or a TAKE returned, a CAS leaves, anything else was given.
    ``old_kinds``, ``old_numbers``  the value that a CAS expects.
    """

    lines: Ints
    line_keys: Ints
    key_codes: Ints
    foreign: Flags
    invokes: Ints
    completes: Ints
    never: int
    acts: Bytes
    keys: Ints
    kinds: Bytes
    numbers: Ints
    old_kinds: Bytes
    old_numbers: Ints

    @property
    def happened(self) -> Flags:
        return self.completes < self.never


def acts_of(model: Model, names: tuple[str, ...], family: Mapping[str, int]) -> Bytes:
    """Of each operation's name the act that it is."""
    return np.array([_act(model, name, family) for name in names] or [FOREIGN], np.uint8)


def _act(model: Model, name: str, family: Mapping[str, int]) -> int:
    if name == DUMP:
        return PASSED
    for argument, result in ((1, 1), (1, True), ((1, 2), (1, 2))):
        try:
            step = model.parse(Call(0, 1, 0, name, argument, result, "ok"), Reading(Codes()))
        except Unsupported:
            continue
        return FOREIGN if step is None else family.get(step.f, FOREIGN)
    return FOREIGN


def values_of(columns: Columns, acts: Bytes, codes: Codes, limit: Limit) -> Values:
    """The values of invocations, and of the answers to what returns one. Raises :class:`OutOfTimeError`."""
    act = acts[columns.fs]
    answering = (act == READ) | (act == TAKE)
    wanted = (columns.kinds == OTHER) & (act > FOREIGN) & (answering == (columns.types == OK))
    if (acts == CAS).any():
        return _with_swaps(columns, act, wanted & (act != CAS), codes, limit)
    numbers = _numbers(columns, np.flatnonzero(wanted), codes, limit)
    return Values(columns.kinds, numbers, columns.kinds[:0], columns.numbers[:0], np.zeros(0, np.bool_))


def _numbers(columns: Columns, wanted: Ints, codes: Codes, limit: Limit) -> Ints:
    if not len(wanted):
        return columns.numbers
    numbers = columns.numbers.copy()
    for done, line in enumerate(wanted.tolist()):
        if done % _CLOCK_EVERY == 0 and limit.expired():
            raise OutOfTimeError
        numbers[line] = codes.code(columns.value(line))
    return numbers


def _with_swaps(columns: Columns, act: Bytes, wanted: Flags, codes: Codes, limit: Limit) -> Values:
    lines = np.flatnonzero((act == CAS) & (columns.types == INVOKE))
    kinds, numbers = columns.kinds.copy(), _numbers(columns, np.flatnonzero(wanted), codes, limit).copy()
    old_kinds, old_numbers = np.zeros_like(kinds), np.zeros_like(numbers)
    strange = np.zeros(len(kinds), np.bool_)
    found = swaps_of(columns, lines, codes, limit)
    kinds[lines], numbers[lines], strange[lines] = found.kinds, found.numbers, found.strange
    old_kinds[lines], old_numbers[lines] = found.old_kinds, found.old_numbers
    return Values(kinds, numbers, old_kinds, old_numbers, strange)


def calls_of(columns: Columns, acts: Bytes, values: Values, *, nil_is_value: bool) -> Calls:
    """The calls of all clients."""
    lines = np.flatnonzero((columns.types == INVOKE) & (columns.processes >= 0))
    act = acts[columns.fs[lines]]
    if (act == PASSED).any():
        lines, act = lines[act != PASSED], act[act != PASSED]
    if columns.keys is None:
        key_codes, line_keys = np.full(1, NO_KEY, np.int64), np.zeros(len(lines), np.int64)
    else:
        key_codes, line_keys = _numbered(columns.keys[lines], len(columns.key_names))
    ends = columns.partners[lines]
    outcome = np.where(ends >= 0, columns.types[ends], np.uint8(INFO))
    took = outcome == OK
    foreign = np.zeros(len(key_codes), np.bool_)
    foreign[line_keys[(act == FOREIGN) & (outcome != FAIL)]] = True
    answering = (act == READ) | (act == TAKE)
    source = np.where(answering & took, ends, lines)
    if len(values.strange):
        foreign[line_keys[values.strange[lines] & (outcome != FAIL)]] = True
    kept = (act != FOREIGN) & (outcome != FAIL) & (took | ((act != READ) & (act != CONTAINS)))
    if not nil_is_value:
        kept &= ~(((act == READ) | (act == CONTAINS)) & (columns.kinds[ends] == NIL))
    source = source[kept]
    return Calls(
        lines=lines,
        line_keys=line_keys,
        key_codes=key_codes,
        foreign=foreign,
        invokes=lines[kept],
        completes=np.where(took, ends, len(columns))[kept],
        never=len(columns),
        acts=act[kept],
        keys=line_keys[kept],
        kinds=values.kinds[source],
        numbers=values.numbers[source],
        old_kinds=values.old_kinds[source] if len(values.strange) else np.zeros(len(source), np.uint8),
        old_numbers=values.old_numbers[source] if len(values.strange) else np.zeros(len(source), np.int64),
    )


def _numbered(codes: NDArray[np.int32], names: int) -> tuple[Ints, Ints]:
    """The codes in order of their first appearance; and of each line the number of its code in this order."""
    first = np.full(names + 1, len(codes), np.int64)  # NO_KEY, -1, is the last one
    first[codes[::-1]] = np.arange(len(codes))[::-1]
    order = np.argsort(first, kind="stable")[: np.count_nonzero(first < len(codes))]
    numbers = np.empty(names + 1, np.int64)
    numbers[order] = np.arange(len(order))
    return np.where(order == names, NO_KEY, order), numbers[codes]


def answers_of(columns: Columns, acts: Bytes, limit: Limit) -> Bytes:
    """Of each line what it says of a set: YES, NO, or NOTHING_KNOWN. Raises :class:`OutOfTimeError`."""
    answers = np.zeros(len(columns), np.uint8)
    act = acts[columns.fs]
    lines = np.flatnonzero((columns.types == OK) & (columns.kinds == OTHER) & (act >= ADD))
    if columns.spans is not None:
        first, lengths = columns.spans.text[columns.spans.starts[lines]], columns.spans.lengths[lines]
        yes, no = (first == ord("t")) & (lengths == len("true")), (first == ord("f")) & (lengths == len("false"))
        answers[lines[yes]], answers[lines[no]] = YES, NO
        lines = lines[~yes & ~no]
    for done, line in enumerate(lines.tolist()):
        if done % _CLOCK_EVERY == 0 and limit.expired():
            raise OutOfTimeError
        value = columns.value(line)
        if isinstance(value, (list, tuple)) and len(value) == 2 and act[line] == CONTAINS:
            value = value[1]
        if isinstance(value, bool):
            answers[line] = YES if value else NO
    return answers


def with_strange_answers(calls: Calls, columns: Columns, answers: Bytes) -> Calls:
    """The calls of sets, with those keys foreign whose answers or elements the model takes not, or not always."""
    asked = calls.acts == CONTAINS
    strange = asked & (answers[np.minimum(calls.completes, calls.never - 1)] == NOTHING_KNOWN)
    for i in np.flatnonzero(calls.kinds == OTHER).tolist():
        strange[i] = isinstance(columns.value(int(calls.invokes[i])), bool)
    foreign = calls.foreign.copy()
    foreign[calls.keys[strange]] = True
    return replace(calls, foreign=foreign)
