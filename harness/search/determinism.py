"""Is a plan's run the same every time? It is made twice, in two processes with different hash seeds, and compared.

Whatever differs between processes (the order of sets, ``id``, ``hash`` of a string, weak references) shows as a
difference in the trace: every message with its body, every event, every operation.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final

from harness import catalog
from harness.plan import Plan
from harness.search.batch import ROOT
from harness.search.trial import run_trial
from harness.search.worker import setup_of_plan
from harness.trace import Trace

HASH_SEEDS: Final = ("1", "2")
LINE_CHARACTERS_MAX: Final = 400


@dataclass(frozen=True, slots=True)
class Comparison:
    """``digests`` of the two runs; where they differ, the first ``line`` of the trace that does, as each run has it."""

    seed: int
    digests: tuple[str, str]
    line: int | None = None
    texts: tuple[str, str] = ("", "")
    violations: tuple[str, ...] = ()

    @property
    def same(self) -> bool:
        return self.digests[0] == self.digests[1]


def compare(plan: Plan) -> Comparison:
    """Run a plan twice. Raises subprocess.CalledProcessError where a run could not be made."""
    with tempfile.TemporaryDirectory(prefix="splitbrain-") as scratch:
        paths = [Path(scratch) / f"{hash_seed}.jsonl" for hash_seed in HASH_SEEDS]
        children = [_begin(plan, path, hash_seed) for path, hash_seed in zip(paths, HASH_SEEDS, strict=True)]
        first, second = [_answer(child) for child in children]
        digests = (first["digest"], second["digest"])
        line, texts = (None, ("", "")) if digests[0] == digests[1] else _difference(*paths)
        return Comparison(plan.seed, digests, line, texts, tuple(first["troubles"]))


def traced(plan: Plan, path: Path) -> dict[str, Any]:
    """One run: its trace is written to ``path``; its digest, and what was broken."""
    trace = Trace()
    faults = catalog.faults()
    trial = run_trial(setup_of_plan(plan, catalog.system(plan.system), faults), trace=trace)
    trace.write(path)
    return {"digest": trace.digest(), "troubles": list(trial.verdict.record.troubles)}


def _begin(plan: Plan, path: Path, hash_seed: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed,
                   "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}  # fmt: skip
    child = subprocess.Popen([sys.executable, "-m", "harness.search.determinism"], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)  # fmt: skip
    assert child.stdin is not None, "a pipe was asked for"
    child.stdin.write(json.dumps({"plan": plan.as_json(), "path": str(path)}) + "\n")
    child.stdin.flush()
    return child


def _answer(child: subprocess.Popen[str]) -> dict[str, Any]:
    output, errors = child.communicate()
    if child.returncode != 0:
        raise subprocess.CalledProcessError(child.returncode, "a simulated run", output, errors)
    answer: dict[str, Any] = json.loads(output.splitlines()[-1])
    return answer


def _difference(first: Path, second: Path) -> tuple[int | None, tuple[str, str]]:
    with open(first, encoding="utf-8") as one, open(second, encoding="utf-8") as other:
        for number, (left, right) in enumerate(zip_longest(one, other, fillvalue="(the run has ended)"), 1):
            if left != right:
                return number, (left.strip()[:LINE_CHARACTERS_MAX], right.strip()[:LINE_CHARACTERS_MAX])
    return None, ("", "")


def main() -> None:
    asked = json.loads(sys.stdin.readline())
    print(json.dumps(traced(Plan.from_json(asked["plan"]), Path(asked["path"]))))


if __name__ == "__main__":
    main()
