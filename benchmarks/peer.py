"""Another checker, paired with ours on the same files: any command that is given a file and says a verdict.

The command is a template: ``{file}`` and ``{model}`` stand for the history and the name of its model. It is run without
a shell. Its verdict is the last word that it prints, if that is one of WORDS, else its exit status (0 valid, 1 invalid,
others: none). Its time is that of the whole command, unless it prints ``seconds=0.0123`` for what it took to decide.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Final, Literal

from harness.formats.jsonl import dump
from harness.history import History

WORDS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("ok", "valid", "true", "linearizable"), True),
    **dict.fromkeys(("illegal", "invalid", "false", "nonlinearizable"), False),
    **dict.fromkeys(("unknown", "timeout"), None),
}
FORMATS: Final = ("porcupine", "jsonl")
Format = Literal["porcupine", "jsonl"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a peer said (None: no verdict), and the seconds that it took: as it says itself, and as a whole."""

    verdict: bool | None
    seconds: float
    whole_s: float
    said: str


def ask(command: str, path: Path, model: str, time_limit_s: float) -> Answer:
    """Run the peer on a file; past the limit it is ended, with no verdict."""
    words = [word.replace("{file}", str(path)).replace("{model}", model) for word in shlex.split(command)]
    began = perf_counter()
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=time_limit_s, check=False)
    except subprocess.TimeoutExpired:
        return Answer(None, time_limit_s, time_limit_s, "ended at the time limit")
    whole_s = perf_counter() - began
    own = re.search(r"\bseconds=([0-9.eE+-]+)", done.stdout)
    return Answer(_verdict(done.stdout, done.returncode), float(own[1]) if own else whole_s, whole_s,
                  (done.stdout + done.stderr).strip()[-200:])  # fmt: skip


def _verdict(said: str, status: int) -> bool | None:
    words = said.split()
    last = words[-1].strip(".!").lower() if words else ""
    return WORDS[last] if last in WORDS else {0: True, 1: False}.get(status)


def write(history: History, path: Path, form: Format) -> None:
    """The history as the peer reads it."""
    with path.open("w") as stream:
        if form == "jsonl":
            stream.writelines(f"{dump(op)}\n" for op in history)
            return
        stream.write("[\n")
        for number, line in enumerate(_operations(history)):
            stream.write(f"{',' if number else ' '}{line}\n")
        stream.write("]\n")


def _operations(history: History) -> Iterator[str]:
    """porcupine's Operations. One of which nobody knows whether it happened has ``{"unknown": true}`` as its output and
    no Return; one that certainly did not happen is left out."""
    for call in history.calls():
        if call.outcome == "fail":
            continue
        asked = {"op": call.f, "value": call.argument, **({} if call.key is None else {"key": call.key})}
        known = call.outcome == "ok"
        output = {"value": call.result} if known else {"unknown": True}
        fields = {"ClientId": call.process, "Input": asked, "Call": call.invoke, "Output": output}
        yield json.dumps({**fields, "Return": call.complete} if known else fields)
