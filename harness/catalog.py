"""The one place where names become plug-ins: systems, workloads, faults, providers, checkers and models.

A name stands here with the module that has it; the module is imported when it is asked for, and importing it must
change nothing. To add a plug-in, write its file and add its line.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from checkers.names import CHECKERS as CHECKERS
from checkers.names import LEVELS as LEVELS

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
        "failover-pair": "systems_under_test.failover_pair:SYSTEM",
        "chain": "systems_under_test.chain:SYSTEM",
        "replication-log": "systems_under_test.replication_log:SYSTEM",
        "reference-store": "systems_under_test.reference_store:SYSTEM",
    },
    "workloads": {
        "register": "workloads.register:WORKLOAD",
        "set": "workloads.set:WORKLOAD",
        "set-full": "workloads.set_full:WORKLOAD",
        "counter": "workloads.counter:WORKLOAD",
        "unique-ids": "workloads.unique_ids:WORKLOAD",
        "cached-rows": "workloads.cached_rows:WORKLOAD",
        "list-append": "workloads.list_append:WORKLOAD",
        "rw-register": "workloads.rw_register:WORKLOAD",
        "bank": "workloads.bank:WORKLOAD",
        "write-skew": "workloads.write_skew:WORKLOAD",
        "booking": "workloads.booking:WORKLOAD",
        "long-fork": "workloads.long_fork:WORKLOAD",
        "sessions": "workloads.sessions:WORKLOAD",
        "devices": "workloads.devices:WORKLOAD",
        "consistent-prefix": "workloads.consistent_prefix:WORKLOAD",
        "rows": "workloads.rows:WORKLOAD",
    },
    "faults": {
        "partition": "harness.faults.partition:FAULT",
        "kill": "harness.faults.kill:FAULT",
        "restart": "harness.faults.restart:FAULT",
        "pause": "harness.faults.pause:FAULT",
        "stop": "harness.faults.stop:FAULT",
        "power-off": "harness.faults.power_off:FAULT",
        "crash-loop": "harness.faults.crash_loop:FAULT",
        "upgrade": "harness.faults.upgrade:FAULT",
        "memory": "harness.faults.memory:FAULT",
        "cpu": "harness.faults.cpu:FAULT",
        "fds": "harness.faults.fds:FAULT",
        "delay": "harness.faults.delay:FAULT",
        "loss": "harness.faults.loss:FAULT",
        "duplicate": "harness.faults.duplicate:FAULT",
        "reorder": "harness.faults.reorder:FAULT",
        "corrupt": "harness.faults.corrupt:FAULT",
        "bandwidth": "harness.faults.bandwidth:FAULT",
        "flap": "harness.faults.flap:FAULT",
        "slow-link": "harness.faults.slow_link:FAULT",
        "slow-node": "harness.faults.slow_node:FAULT",
        "power-loss": "harness.faults.power_loss:FAULT",
        "torn-write": "harness.faults.torn_write:FAULT",
        "disk-full": "harness.faults.disk_full:FAULT",
        "eio": "harness.faults.eio:FAULT",
        "read-only": "harness.faults.read_only:FAULT",
        "disk-stall": "harness.faults.disk_stall:FAULT",
        "slow-fsync": "harness.faults.slow_fsync:FAULT",
        "bit-flip": "harness.faults.bit_flip:FAULT",
        "truncate": "harness.faults.truncate:FAULT",
        "chunk-copy": "harness.faults.chunk_copy:FAULT",
        "snapshot-restore": "harness.faults.snapshot_restore:FAULT",
        "wipe": "harness.faults.wipe:FAULT",
        "clock": "harness.faults.clock:FAULT",
        "drift": "harness.faults.drift:FAULT",
        "membership": "harness.faults.membership:FAULT",
        "transfer": "harness.faults.transfer:FAULT",
    },
    "providers": {
        "local": "harness.clusters.local:PROVIDER",
        "docker": "harness.clusters.docker:PROVIDER",
        "sim": "harness.simulation.cluster:PROVIDER",
    },
    "checkers": CHECKERS,  # by what --expect says
}
_EXTERNAL: Final = Path(__file__).resolve().parent.parent / "systems_under_test" / "external"
"""A file or folder there is a system by its name, with hyphens, that runs on real nodes only."""
_MODELS: Final = "checkers.linearizable:MODELS"

OPTIONS: Final = ("model", "initial", "nil_reads", "method", "certify", "total", "negative_balances", "versions")
"""What a checker may be told besides its time limit; which of these it takes, its signature says."""
_TAKES_ANY_KEYWORD: Final = 0x08  # inspect.CO_VARKEYWORDS, without loading inspect


class UnknownNameError(LookupError):
    """A name that nothing here has. The text says what was read, what is known, and what may have been meant."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind, self.name, self.known = kind, name, tuple(known)
        super().__init__(f"read the {kind.removesuffix('s')} {name[:80]!r}; expected {alternatives(name, self.known)}")


class BadFileError(LookupError):
    """A system's file that cannot be used; the text says what was read and what was expected."""


def alternatives(name: str, known: Iterable[str]) -> str:
    """What may stand in the place of a name that is none, nearest first: ``one of a, b (did you mean a?)``."""
    from difflib import get_close_matches

    names = list(known)
    words = f"one of {', '.join(names)}" if len(names) > 1 else "".join(names) or "nothing: there is none"
    text, lower = name[:80].lower(), {known.lower(): known for known in names}
    near = get_close_matches(text, lower, n=1, cutoff=0.5) or [known for known in lower if text in known.split("-")]
    return f"{words} (did you mean {lower[near[0]]}?)" if near else words


def names(kind: Kind) -> tuple[str, ...]:
    """All names of a kind, in the order of this file; of systems those that are bundled."""
    return tuple(models() if kind == "models" else PLUG_INS[kind])


def externals() -> tuple[str, ...]:
    """The names of the systems that are not ours (``harness.system.External``)."""
    found = (path for path in _EXTERNAL.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file())
    return tuple(sorted(path.stem.replace("_", "-") for path in found if not path.name.startswith("_")))


def is_external(name: str) -> bool:
    """Whether that is the name of such a system."""
    return name in externals()


def system(name: str) -> System:
    """The system of that name, or, if it ends in ``.py``, the SYSTEM of that file: your own, outside this tree.

    Raises :class:`UnknownNameError`, as the others do, and :class:`BadFileError`.
    """
    if is_file(name):
        in_file: System = _system_in(Path(name))
        return in_file
    if name in PLUG_INS["systems"]:
        bundled: System = _load("systems", name)
        return bundled
    if name not in externals():
        raise UnknownNameError("systems", name, (*PLUG_INS["systems"], *externals()))
    external: System = _attribute(f"systems_under_test.external.{name.replace('-', '_')}:SYSTEM")
    assert external.name == name, f"the external system {name!r} calls itself {external.name!r}"
    return external


def files_of(name: str) -> tuple[Path, ...]:
    """Where the files are that a system wants on its nodes (``External.files``), which stand beside its own. Raises
    BadFileError."""
    external = system(name).external
    folder = Path(name).resolve().parent if is_file(name) else _EXTERNAL / name.replace("-", "_")
    folder = folder if folder.is_dir() else _EXTERNAL
    found = tuple(folder / file for file in (external.files if external is not None else ()))
    if missing := [path for path in found if not path.is_file()]:
        raise BadFileError(f"read the system {name!r}, which wants the file {missing[0]}; expected one there")
    return found


def is_file(name: str) -> bool:
    """Whether a system's name is the path of a Python file."""
    return name.endswith(".py")


def _system_in(path: Path) -> Any:
    """A file's ``SYSTEM``. The file is imported under its own name, as it will be on the nodes: its role's program is
    "stem:Class"."""
    from importlib.util import find_spec, module_from_spec, spec_from_file_location

    if not path.is_file():
        raise BadFileError(f"read the system {str(path)!r}, where there is no file; expected a Python file with a "
                           f"SYSTEM, or {alternatives('', PLUG_INS['systems'])}")  # fmt: skip
    stem, known = path.stem, sys.modules.get(path.stem)
    if known is not None and getattr(known, "__file__", None) == str(path.resolve()):
        return known.SYSTEM
    if not stem.isidentifier() or known is not None or find_spec(stem) is not None:
        raise BadFileError(f"read the file name {path.name!r}; expected one that is a new module's: letters, digits "
                           "and underscores, and not the name of a module that Python has already")  # fmt: skip
    spec = spec_from_file_location(stem, path.resolve())
    assert spec is not None, "a .py file has a loader"
    assert spec.loader is not None, "a .py file has a loader"
    module = module_from_spec(spec)
    sys.modules[stem] = module
    spec.loader.exec_module(module)
    found = getattr(module, "SYSTEM", None)
    if found is None:
        raise BadFileError(f"read {path}, which has no SYSTEM; expected SYSTEM = harness.system.System(...)")
    return found


def workload(name: str) -> Workload:
    found: Workload = _load("workloads", name)
    return found


def fault(name: str) -> Fault:
    found: Fault = _load("faults", name)
    return found


def faults() -> dict[str, Fault]:
    """All faults, by name."""
    return {name: fault(name) for name in PLUG_INS["faults"]}


def provider(name: str) -> Provider:
    found: Provider = _load("providers", name)
    return found


def checker(expect: str) -> Callable[..., Result]:
    """The function that decides ``expect``: check(history, time_limit_s=..., and what its kind takes) -> Result."""
    found: Callable[..., Result] = _resolve("checkers", expect)
    return found


def options(expect: str) -> frozenset[str]:
    """The options that a checker takes, of those that not every one does: the keywords of its signature."""
    found = checker(expect)
    code = found.__code__
    takes_all = bool(code.co_flags & _TAKES_ANY_KEYWORD)
    return frozenset(name for name in OPTIONS if takes_all or name in (found.__kwdefaults__ or {}))


def summary(expect: str) -> str:
    """What a checker decides, in one line: the first sentence of what it says of itself."""
    if expect in LEVELS:
        from checkers.transactional.lattice import MODELS

        model = MODELS[expect]
        order = {"": "", "strong-session-": "; o: earlier in a session", "strong-": "; o: earlier in real time"}
        return f"transactions; forbids cycles: {model.family.value}{order[model.order.value]}"
    paragraph = (checker(expect).__doc__ or "").partition("\n\n")[0].replace(":func:", "").replace("`", "")
    return " ".join(paragraph.split()).partition(". ")[0].removesuffix(".")


def families() -> dict[str, tuple[str, ...]]:
    """The checkers by what their operations are about."""
    found: dict[str, list[str]] = {"operations on objects": [], "single decisions": [], "transactions": []}
    for name, place in CHECKERS.items():
        decision = place.startswith("checkers.decision")
        about = "transactions" if name in LEVELS else "single decisions" if decision else "operations on objects"
        found[about].append(name)
    return {about: tuple(names) for about, names in found.items()}


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
