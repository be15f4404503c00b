"""The grammar of ``--faults``: ``partition=isolate-leader,kill=leader:2, after 3rd vote-granted: kill=its-node``.

::

    faults   := "none" | item ("," item)*
    item     := ["after" [ORDINAL | "any"] occasion ":"] fault
    occasion := EVENT | "failpoint" NAME | "operation" F | "log" '"' TEXT '"' | "leader-change"
    fault    := name ["=" shape [":" number]] | name "its node"

A name without a shape asks for that fault's default mix. The number is how many nodes, for shapes that take one. Where
a shape says "leader" it may say ``role-ROLE`` or ``n2+n3``, too: ``kill=role-witness``, ``partition=isolate-n2``. With
``after`` it is not the schedule's times that set a fault off but the 1st (where nothing is said), 2nd, 3rd, ... time
that any node tells an event or passes a failpoint, or logs a line that has the text in it, that a client's operation
begins, that another node leads than before; with ``any`` the seed says which time. ``its-node`` is the node where that
happened.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from typing import Final

from harness.fault import (
    COUNT_MAX,
    EVENT,
    FAILPOINT,
    LEADER_CHANGE,
    LOG,
    LOG_TEXT,
    OCCASION_NAME,
    OPERATION,
    Fault,
    FaultSpec,
    FaultSyntaxError,
    Trigger,
    ordinal,
)
from harness.faults.target import ISOLATE_ITS_NODE, ITS_NODE, OPEN, is_shape, roles_of

NONE: Final = "none"
ALONE: Final = ("calm", "typical", "brutal", "swarm", "all")
"""Words that stand for many faults; they are no faults (``harness.faults.profile``)."""

ANY: Final = "any"
TEXT_LENGTH_MAX: Final = 1000
_ITEM: Final = re.compile(r"(?P<name>[^=:]+?)\s*(=\s*(?P<shape>[^=:]+?)\s*(:\s*(?P<size>[^=:]*?))?)?", re.DOTALL)
_AFTER: Final = re.compile(r'after(?![^\s:])(?P<words>(?:[^:"]|"[^"]*")*)(:\s*(?P<fault>.*))?', re.DOTALL)
_ITEMS: Final = re.compile(r'(?:[^,"]|"[^"]*")*', re.DOTALL)
_LOG: Final = re.compile(r'\s*((?P<count>[^\s"]+)\s+)?log\s*"(?P<text>[^"]*)"\s*', re.DOTALL)
_WORDS: Final = re.compile(r"(?P<name>[^\s=:]+)\s+its\s+node")
_COUNT: Final = re.compile(r"(?P<number>[0-9]{1,9})(?P<ending>[a-z]*)", re.ASCII)


def parse(
    text: str,
    faults: Mapping[str, Fault],
    events: Collection[str] | None = None,
    operations: Collection[str] | None = None,
    roles: Collection[str] | None = None,
) -> tuple[FaultSpec, ...]:
    """Read a ``--faults`` text. ``faults`` are the known ones by name (``harness.catalog`` has them); ``events`` and
    ``operations`` what may set faults off, ``roles`` those of the system's nodes (None: any name may).

    Raises FaultSyntaxError: what was read, what was expected, what to do.
    """
    if len(text) > TEXT_LENGTH_MAX:
        raise _error(f"a text of {len(text)} characters", f"at most {TEXT_LENGTH_MAX}", "name fewer faults")
    if text.strip() == NONE:
        return ()
    specs = tuple(_item(item.strip(), faults, events, operations) for item in _items(text))
    for spec in specs:
        for role in roles_of(spec.shape or ""):
            if roles is not None and role not in roles:
                remedy = suggestion(role, roles, "a system's roles are kinds of nodes")
                raise _error(f"the role {role!r} in {spec}", "one of " + ", ".join(sorted(roles)), remedy)
    return specs


def _items(text: str) -> list[str]:
    """The text in pieces, cut at the commas outside quotes."""
    items, place = [], 0
    while True:
        match = _ITEMS.match(text, place)
        assert match is not None, "it matches nothing at all, too"
        end = match.end()
        if end < len(text) and text[end] == '"':
            raise _error("a quote that does not end", 'two of them around a text: after log "TEXT": ...', "close it")
        items.append(text[place:end])
        if end == len(text):
            return items
        place = end + 1


def _item(
    item: str, faults: Mapping[str, Fault], events: Collection[str] | None, operations: Collection[str] | None
) -> FaultSpec:
    if item == NONE:
        raise _error("none beside other faults", "none alone, or faults", "leave it out")
    after = _AFTER.fullmatch(item)
    if after is None:
        return _fault(item, faults, None, events)
    if (log := _LOG.fullmatch(after["words"])) is not None:
        trigger = _log(log["text"], log["count"], item)
    else:
        trigger = _trigger(after["words"].split(), item, events, operations)
    if not after["fault"]:
        raise _error(
            f"{item!r}, which sets nothing off", "a colon and a fault", f"for example {trigger}: {_any(faults)}"
        )
    return _fault(after["fault"].rstrip(), faults, trigger, events)


def _fault(
    text: str, faults: Mapping[str, Fault], trigger: Trigger | None, events: Collection[str] | None
) -> FaultSpec:
    if (words := _WORDS.fullmatch(text)) is not None:
        name, shape, size = words["name"], ITS_NODE, None
        if name in faults and ISOLATE_ITS_NODE in faults[name].shapes:
            shape = ISOLATE_ITS_NODE
    elif (match := _ITEM.fullmatch(text)) is not None:
        name, shape, size = match["name"], match["shape"], match["size"]
    else:
        raise _error(repr(text), "name, name=shape or name=shape:number, separated by commas", _example(faults))
    if name not in faults:
        raise _unknown_fault(name, faults)
    if shape is not None and not is_shape(shape, faults[name].shapes):
        shapes = faults[name].shapes
        expected = "one of " + ", ".join(shapes) if shapes else "no shape"
        expected += (
            f", or {' or '.join(OPEN)} where one says leader" if any("leader" in word for word in shapes) else ""
        )
        raise _error(f"the shape {shape!r} of {name}", expected, suggestion(shape, shapes, f"write {name} for its mix"))
    if trigger is None and shape is not None and ITS_NODE in shape:
        event = next(iter(events or ()), "became-leader")
        remedy = f"for example after 3rd {event}: {name}={shape}"
        raise _error(f"{text!r} without what sets it off", "an event whose node is meant", remedy)
    return FaultSpec(name, shape, None if size is None else _size(size, text), trigger)


def _log(text: str, count: str | None, item: str) -> Trigger:
    if not LOG_TEXT.fullmatch(text):
        raise _error(repr(item[:100]), "a text of 1 to 200 printable characters between the quotes", "shorten it")
    return Trigger(LOG, text, 1 if count is None else _count(count))


def _trigger(
    words: list[str], item: str, events: Collection[str] | None, operations: Collection[str] | None
) -> Trigger:
    """What stands between "after" and the colon."""
    count = 1
    if words and (words[0] == ANY or words[0][0].isdigit()):
        count, words = _count(words[0]), words[1:]
    match words:
        case ["leader-change"]:
            return Trigger(LEADER_CHANGE, None, count)
        case ["failpoint", name] if OCCASION_NAME.fullmatch(name):
            return Trigger(FAILPOINT, name, count)
        case ["operation", name] if OCCASION_NAME.fullmatch(name):
            return Trigger(OPERATION, _known(OPERATION, name, operations), count)
        case [name] if OCCASION_NAME.fullmatch(name) and name not in (FAILPOINT, OPERATION, LOG):
            return Trigger(EVENT, _known(EVENT, name, events), count)
    raise _error(
        repr(item[:100]), 'after EVENT, after failpoint NAME, after operation F, after log "TEXT", or after '
        "leader-change, and a colon",
        f"for example after 3rd {next(iter(events or ()), 'became-leader')}: kill=its-node",
    )  # fmt: skip


def _known(kind: str, name: str, known: Collection[str] | None) -> str:
    if known is not None and name not in known:
        names = sorted(known)
        if kind == EVENT:
            names.append(LEADER_CHANGE)
        remedy = suggestion(
            name, names, "a system's nodes tell its events; failpoints and operations say what they are"
        )
        raise _error(f"the {kind} {name!r}", "one of " + ", ".join(names), remedy)
    return name


def _count(word: str) -> int:
    """An ordinal, or 0 for "any"."""
    if word == ANY:
        return 0
    match = _COUNT.fullmatch(word)
    number = int(match["number"]) if match is not None else 0
    if not 1 <= number <= COUNT_MAX:
        raise _error(f"{word!r} as an ordinal", f"1st to {ordinal(COUNT_MAX)}, or any", "count from 1st")
    if word != ordinal(number):
        raise _error(
            f"{word!r} as an ordinal", f"1st to {ordinal(COUNT_MAX)}, or any", f"did you mean {ordinal(number)}?"
        )
    return number


def _size(text: str, item: str) -> int:
    if not re.fullmatch("[0-9]{1,3}", text, re.ASCII) or int(text) == 0:
        raise _error(
            f"{text!r} as the number of nodes in {item!r}", "a number from 1 to 999", "write it after the colon"
        )
    return int(text)


def _unknown_fault(name: str, faults: Mapping[str, Fault]) -> FaultSyntaxError:
    owner = next((fault for fault, entry in faults.items() if name in entry.shapes), None)
    if owner is not None:
        hint = f"did you mean {owner}={name}?"
    else:
        hint = suggestion(name, [*faults, *ALONE], "`splitbrain list faults` describes them")
    if name in ALONE:
        return _error(
            f"{name!r} beside other faults", f"{name} alone", "a fault file mixes faults with rates of their own"
        )
    expected = f"one of {', '.join(sorted(faults))}, or none; or alone one of {', '.join(ALONE)}, or a FILE.toml"
    return _error(f"the fault {name!r}", expected, hint)


def suggestion(word: str, known: Iterable[str], otherwise: str) -> str:
    """ "did you mean ...?" with the nearest of ``known``, or ``otherwise`` if none is near."""
    lower = {name.lower(): name for name in known}
    near = get_close_matches(word.lower(), lower, n=1)
    return f"did you mean {lower[near[0]]}?" if near else otherwise


def _example(faults: Mapping[str, Fault]) -> str:
    return "for example --faults " + ",".join(sorted(faults)[:2])


def _any(faults: Mapping[str, Fault]) -> str:
    aimed = (f"{name}={ITS_NODE}" for name in sorted(faults) if ITS_NODE in faults[name].shapes)
    return next(aimed, "".join(sorted(faults)[:1]))


def _error(read: str, expected: str, remedy: str) -> FaultSyntaxError:
    return FaultSyntaxError(f"--faults: read {read}; expected {expected}; {remedy}")
