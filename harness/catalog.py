"""The one place where names become plug-ins: systems, workloads, faults, providers, checkers and models.

A name stands here with the module that has it; the module is imported when it is asked for, and importing it must
change nothing. To add a plug-in, write its file and add its line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from harness.cluster import Provider
    from harness.fault import Fault
    from harness.result import Result
    from harness.system import System
    from harness.workload import Workload

Kind = Literal["systems", "workloads", "faults", "models", "providers", "checkers"]

# kind -> name -> where it is, as "module:attribute". The first of each kind is the one to meet first.
PLUG_INS: Final[Mapping[str, Mapping[str, str]]] = {
    "systems": {
        "raft": "systems_under_test.raft:SYSTEM",
        "single-leader": "systems_under_test.single_leader:SYSTEM",
    },
    "workloads": {
        "register": "workloads.register:WORKLOAD",
        "set": "workloads.set:WORKLOAD",
    },
    "faults": {
        "partition": "harness.faults.partition:FAULT",
        "kill": "harness.faults.kill:FAULT",
        "pause": "harness.faults.pause:FAULT",
    },
    "providers": {
        "local": "harness.clusters.local:PROVIDER",
    },
    "checkers": {  # by what --expect says
        "linearizable": "checkers.linearizable:check",
        "set": "checkers.set:check",
    },
}
_MODELS: Final = "checkers.linearizable:MODELS"


class UnknownNameError(LookupError):
    """A name that nothing here has. The text says what was read, what is known, and what may have been meant."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind, self.name, self.known = kind, name, tuple(known)
        super().__init__(f"read the {kind.removesuffix('s')} {name[:80]!r}; expected {alternatives(name, self.known)}")


def alternatives(name: str, known: Iterable[str]) -> str:
    """What may stand in the place of a name that is none, nearest first: ``one of a, b (did you mean a?)``."""
    from difflib import get_close_matches

    names = list(known)
    words = f"one of {', '.join(names)}" if len(names) > 1 else "".join(names) or "nothing: there is none"
    text = name[:80].lower()
    near = get_close_matches(text, names, n=1, cutoff=0.5) or [known for known in names if text in known.split("-")]
    return f"{words} (did you mean {near[0]}?)" if near else words


def names(kind: Kind) -> tuple[str, ...]:
    """All names of a kind, in the order of this file."""
    return tuple(models() if kind == "models" else PLUG_INS[kind])


def system(name: str) -> System:
    """Raises :class:`UnknownNameError`, as the others do."""
    found: System = _load("systems", name)
    return found


def workload(name: str) -> Workload:
    found: Workload = _load("workloads", name)
    return found


def fault(name: str) -> Fault:
    found: Fault = _load("faults", name)
    return found


def provider(name: str) -> Provider:
    found: Provider = _load("providers", name)
    return found


def checker(expect: str) -> Callable[..., Result]:
    """The function that decides ``expect``: check(history, time_limit_s=..., and what its kind takes) -> Result."""
    found: Callable[..., Result] = _resolve("checkers", expect)
    return found


def models() -> Mapping[str, str]:
    """The models of linearizability: name -> summary."""
    found: Mapping[str, str] = _attribute(_MODELS)
    return found


def _load(kind: str, name: str) -> Any:
    plug_in = _resolve(kind, name)
    assert plug_in.name == name, f"{PLUG_INS[kind][name]} calls itself {plug_in.name!r}; expected {name!r}"
    return plug_in


def _resolve(kind: str, name: str) -> Any:
    if name not in PLUG_INS[kind]:
        raise UnknownNameError(kind, name, PLUG_INS[kind])
    return _attribute(PLUG_INS[kind][name])


def _attribute(place: str) -> Any:
    module, _, attribute = place.partition(":")
    return getattr(import_module(module), attribute)
