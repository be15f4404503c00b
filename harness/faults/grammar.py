"""The grammar of ``--faults``: ``partition=isolate-leader,kill=leader:2,pause``, or ``none``.

::

    faults := "none" | item ("," item)*
    item   := name ["=" shape [":" number]]

A name without a shape asks for that fault's default mix. The number is how many nodes, for shapes that take one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Final

from harness.fault import Fault, FaultSpec, FaultSyntaxError

NONE: Final = "none"
TEXT_LENGTH_MAX: Final = 1000
_ITEM: Final = re.compile(r"(?P<name>[^=:]+?)\s*(=\s*(?P<shape>[^=:]+?)\s*(:\s*(?P<size>[^=:]*?))?)?", re.DOTALL)


def parse(text: str, faults: Mapping[str, Fault]) -> tuple[FaultSpec, ...]:
    """Read a ``--faults`` text. ``faults`` are the known ones by name (``harness.catalog`` has them).

    Raises FaultSyntaxError: what was read, what was expected, what to do.
    """
    if len(text) > TEXT_LENGTH_MAX:
        raise _error(f"a text of {len(text)} characters", f"at most {TEXT_LENGTH_MAX}", "name fewer faults")
    if text.strip() == NONE:
        return ()
    return tuple(_item(item.strip(), faults) for item in text.split(","))


def _item(item: str, faults: Mapping[str, Fault]) -> FaultSpec:
    if item == NONE:
        raise _error("none beside other faults", "none alone, or faults", "leave it out")
    match = _ITEM.fullmatch(item)
    if match is None:
        raise _error(repr(item), "name, name=shape or name=shape:number, separated by commas", _example(faults))
    name, shape, size = match["name"], match["shape"], match["size"]
    if name not in faults:
        raise _unknown_fault(name, faults)
    if shape is not None and shape not in faults[name].shapes:
        shapes = faults[name].shapes
        expected = "one of " + ", ".join(shapes) if shapes else "no shape"
        raise _error(f"the shape {shape!r} of {name}", expected, suggestion(shape, shapes, f"write {name} for its mix"))
    return FaultSpec(name, shape, None if size is None else _size(size, item))


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
        hint = suggestion(name, faults, "`splitbrain list faults` describes them")
    return _error(f"the fault {name!r}", "one of " + ", ".join(sorted(faults)) + ", or none", hint)


def suggestion(word: str, known: Iterable[str], otherwise: str) -> str:
    """ "did you mean ...?" with the nearest of ``known``, or ``otherwise`` if none is near."""
    near = get_close_matches(word, list(known), n=1)
    return f"did you mean {near[0]}?" if near else otherwise


def _example(faults: Mapping[str, Fault]) -> str:
    return "for example --faults " + ",".join(sorted(faults)[:2])


def _error(read: str, expected: str, remedy: str) -> FaultSyntaxError:
    return FaultSyntaxError(f"--faults: read {read}; expected {expected}; {remedy}")
