"""``splitbrain keep``: a plan that shows something, kept as a regression test that pytest runs."""

from __future__ import annotations

import argparse
import json
import os
import re
import tempfile
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Final

from harness.commands import UsageError, complain

SCHEMA: Final = "splitbrain.regression/1"
TEST: Final = "test_regressions.py"
FOLDER: Final = "regressions"
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}", re.ASCII)

DESCRIPTION: Final = """\
Keeps a plan, best a shrunk one, as a regression test: writes it to DIR/NAME.json together with the verdict that it is
expected to have, and next to it, once, test_regressions.py, with which pytest replays every plan of the folder in the
simulated world. Before, the plan is replayed here: what does not repeat is not kept.

The expected verdict, and the types of the anomalies, are those of the results.json beside the plan; for a bug that has
been fixed --expect-valid says that the plan must be valid from now on. A kept plan may be named again, to say so."""

EXAMPLES: Final = """\
examples:
  splitbrain keep store/latest                                    what the last run showed must show again
  splitbrain keep store/latest/plan.json --name lost-write        under a name of its own
  splitbrain keep regressions/lost-write.json --expect-valid --replace      the bug is fixed, and stays fixed
  pytest regressions                                              replays all that was kept

exit status: 0 kept, 254 wrong usage or input (nothing was written), 255 crash of splitbrain"""


def add(subparsers: Any) -> None:
    """Add the command to the command line's parser."""
    parser = subparsers.add_parser(
        "keep", help="keep a plan as a regression test", description=DESCRIPTION, epilog=EXAMPLES
    )
    option = parser.add_argument
    option("plan", metavar="PLAN|RUN_FOLDER", help="a plan.json, a run's folder, or a plan that was kept before")
    option("--to", default=FOLDER, metavar="DIR", help="where regression tests are (default: ./regressions)")
    option("--name", metavar="NAME", help="the test's name (default: from the system and what it showed)")
    option("--expect-valid", action="store_true", help="it must be valid from now on, whatever it showed")
    option("--replace", action="store_true", help="write over a kept plan of the same name")
    option("--unchecked", action="store_true", help="do not replay it before")
    option("--json", action="store_true", help="one line of JSON, the last on standard output")


def run(args: argparse.Namespace) -> int:
    """Keep the plan and say how it is run; always 0, or a UsageError."""
    path = Path(args.plan) / "plan.json" if Path(args.plan).is_dir() else Path(args.plan)
    plan, before = _read(path)
    expect = {"valid": True, "anomalies": []} if args.expect_valid else before or _expected(path)
    folder, name = Path(args.to), _name(args, path, plan, expect, kept=before is not None)
    target = folder / f"{name}.json"
    text = json.dumps(_kept(plan, folder, expect), indent=2) + "\n"
    if target.exists() and not args.replace and target.read_text(encoding="utf-8") != text:
        raise UsageError(f"read the name {name!r}, which {target} has already; expected another --name, or --replace")
    if not args.unchecked:
        _check(text, folder, name, expect)
    test = _write(folder, target, text)
    _tell(args, target, test, expect)
    return 0


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The plan in a file, and what it was expected to show, if it was kept before. Raises UsageError."""
    from harness.file import read_json
    from harness.plan import Plan

    try:
        data = read_json(path)
        if isinstance(data, dict) and data.get("schema") == SCHEMA:
            return _unkept(data, path)
        return Plan.from_json(data).as_json(), None
    except FileNotFoundError:
        raise UsageError(f"read nothing from {path}; expected a plan.json, a run's folder, or a kept plan") from None
    except OSError as error:
        raise UsageError(f"read nothing from {path} ({error.strerror}); expected a plan.json") from None
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise UsageError(f"{path}: {error}") from None


def _unkept(data: Mapping[str, Any], path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    from harness.plan import Plan

    plan, expect, own_file = data["plan"], data["expect"], data["file"]
    if own_file is not None:
        plan = {**plan, "system": str((path.parent / own_file).resolve())}
    if not isinstance(expect, dict) or not isinstance(expect.get("anomalies"), list):
        raise ValueError(f'read expect = {str(expect)[:80]}; expected {{"valid": ..., "anomalies": [...]}}')
    return Plan.from_json(plan).as_json(), expect


def _expected(path: Path) -> dict[str, Any]:
    """What the plan's own run showed. Raises UsageError where it showed nothing."""
    from harness.file import read_json
    from harness.store import RESULTS

    own = path.with_suffix(".results.json")  # of a shrunk plan, beside the run's own
    results = own if own.is_file() else path.with_name(RESULTS)
    try:
        found = read_json(results)
    except (OSError, ValueError):
        raise UsageError(
            f"read no {results}, so what the plan shows is not known; expected the plan of a run, beside its results "
            "(splitbrain run --replay PLAN makes one), or --expect-valid"
        ) from None
    valid = found.get("valid") if isinstance(found, dict) else None
    if valid is not True and valid is not False:
        raise UsageError(
            f"read the verdict {str(valid)[:40]} in {results}; expected true or false: a test needs an answer"
        )
    entries = found.get("anomalies")
    kinds = [entry.get("type") for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    return {"valid": valid, "anomalies": sorted({kind for kind in kinds if isinstance(kind, str)})}


def _name(
    args: argparse.Namespace, path: Path, plan: Mapping[str, Any], expect: Mapping[str, Any], *, kept: bool
) -> str:
    """The test's name. Raises UsageError."""
    if args.name is None and kept:
        return path.stem
    name = args.name
    if name is None:
        words = [Path(plan["system"]).stem, *plan["bugs"], *(expect["anomalies"][:1] or ["valid"])]
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", "-".join(map(str, words))).lstrip("._-")[:80]
    if not NAME.fullmatch(name):
        raise UsageError(f"--name: read {name[:100]!r}; expected up to 80 letters, digits, and any of . _ -")
    return str(name)


def _kept(plan: Mapping[str, Any], folder: Path, expect: Mapping[str, Any]) -> dict[str, Any]:
    """The file: a system that is a file of its own is named relative to it, and the plan is for the simulated world."""
    from harness import catalog

    own_file = os.path.relpath(plan["system"], folder) if catalog.is_file(plan["system"]) else None
    system = plan["system"] if own_file is None else Path(plan["system"]).name
    return {
        "schema": SCHEMA,
        "expect": dict(expect),
        "file": own_file,
        "plan": {**plan, "system": system, "provider": "sim"},
    }


def _check(text: str, folder: Path, name: str, expect: Mapping[str, Any]) -> None:
    """Replay it as the test will. Raises UsageError if it does not show what is expected."""
    from harness.commands.regressions import replay, said

    complain("replaying it in the simulated world ...")
    with tempfile.TemporaryDirectory(prefix="splitbrain-keep-") as scratch:
        trial = Path(scratch) / f"{name}.json"
        kept = json.loads(text)
        if kept["file"] is not None:
            kept["file"] = os.path.relpath((folder / kept["file"]).resolve(), Path(scratch).resolve())
        trial.write_text(json.dumps(kept), encoding="utf-8")
        try:
            found = replay(trial, Path(scratch))
        except (RuntimeError, OSError, ValueError) as error:
            raise UsageError(f"{error}; expected a plan that runs in the simulated world") from None
    kinds = {anomaly["type"] for anomaly in found["anomalies"]}
    if found["valid"] != expect["valid"] or not set(expect["anomalies"]) <= kinds:
        wanted = {True: "valid", False: f"invalid: {', '.join(expect['anomalies'])}"}[expect["valid"]]
        raise UsageError(
            f"replayed in the simulated world, {said(found).partition(';')[0]}; expected {wanted}. Nothing was kept: a "
            "test must repeat (a plan of real nodes may need other times there; --unchecked keeps it all the same)"
        )


def _write(folder: Path, target: Path, text: str) -> Path:
    """Write the plan, and the test if there is none. Raises UsageError."""
    from harness.store import replace_file

    test = folder / TEST
    try:
        folder.mkdir(parents=True, exist_ok=True)
        replace_file(target, text)
        if not test.exists():
            replace_file(
                test, resources.files("harness.commands").joinpath("regressions.py").read_text(encoding="utf-8")
            )
    except OSError as error:
        raise UsageError(
            f"--to: nothing can be written to {folder} ({error.strerror}); expected a folder of ours"
        ) from None
    return test


def _tell(args: argparse.Namespace, target: Path, test: Path, expect: Mapping[str, Any]) -> None:
    from harness.commands.output import emit

    words = "valid" if expect["valid"] else f"invalid ({', '.join(expect['anomalies'])})"
    lines = [f"kept:  {target}, expected to be {words}", f"test:  pytest {test.parent}"]
    if args.json:
        complain("\n".join(lines))
        emit({"kept": str(target), "test": str(test), "expect": dict(expect)})
    else:
        print("\n".join(lines))
