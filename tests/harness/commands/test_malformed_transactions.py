"""Histories of transactions that were damaged: a clear error, or a verdict that brute force shares; never a traceback.

Each is judged twice, as small files are read and as large ones are (by compiled code): with the same answer, or one of
them finds it unsupported.
``python -m tests.harness.commands.test_malformed_transactions 10000`` is the same as a campaign.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

import harness.formats
from benchmarks import random_registers, random_transactions
from benchmarks.injected_anomalies import lines_of
from benchmarks.planted_anomalies import LISTS, REGISTERS
from checkers.guard import Unsupported
from checkers.transactional import MODELS, brute
from checkers.transactional.register import brute as registers
from checkers.transactional.register.reading import data_type, read_transactions
from checkers.transactional.transaction import transactions
from harness.commands.judge import Answer, answered
from harness.commands.question import Question
from harness.formats import NIL_READS, read_recording
from harness.formats.edn_writer import edn
from harness.history import Op
from tests.harness.commands import test_malformed

TRANSACTIONS_MAX: Final = 5  # of what brute force decides
OTHER_DATA: Final = "cells"  # sets, counters and predicates are not what brute force is asked here


def jsonl(lines: list[Op]) -> str:
    fields = ("type", "process", "f", "value", "key", "session")
    rows = [{name: getattr(line, name) for name in fields if getattr(line, name) is not None} for line in lines]
    return "".join(json.dumps(row) + "\n" for row in rows)


def as_edn(lines: list[Op]) -> str:
    texts = []
    for line in lines:
        value = " ".join(f"[:{micro[0]} {edn(micro[1])} {edn(micro[2])}]" for micro in line.value)
        texts.append(f"{{:type :{line.type}, :process {line.process}, :f :txn, :value [{value}]}}\n")
    return "".join(texts)


def as_log(lines: list[Op]) -> str:
    values = [as_edn([line]).partition(":value ")[2].strip()[:-1] for line in lines]
    return "".join(f"INFO  jepsen.util - {line.process}\t:{line.type}\t:txn\t{value}\n"
                   for line, value in zip(lines, values, strict=True))  # fmt: skip


PLANTED = [lines_of(each.text) for each in (*LISTS, *REGISTERS)]
RANDOM = [
    make(random.Random(seed), 4)
    for make in (random_transactions.small, random_transactions.unread, random_registers.small)
    for seed in range(30)
]
PLUME = "w(1,1,0,0)\nw(2,5,0,0)\nr(1,1,1,1)\nr(2,0,1,1)\nw(1,2,1,2)\nr(1,2,2,3)\n"
AWDIT = "w 1 1\nr 2 0\n-----\nr 1 1\nw 2 5\n=====\nr 2 5\nr 1 0\n"
SEEDS = [
    *map(jsonl, [*PLANTED, *RANDOM]),
    *map(as_edn, PLANTED),
    *(f"[{as_edn(lines)}]" for lines in PLANTED[::8]),
    *map(as_log, PLANTED[::4]),
    *(f"[{','.join(jsonl(lines).splitlines())}]" for lines in PLANTED[::4]),
    *[PLUME, AWDIT] * 6,
]

NESTED: Any = [1]
for _ in range(60):
    NESTED = [NESTED]
VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 2, 1.0, 1.5, -0.0, 2**63, -(2**63) - 1, 10**400, "", "1", "r", "append", "\ud800",
    "\u0000", "x" * 500, [], [1], [[1]], [None], [1, 2], {}, {"a": 1}, {"a": [1]}, NESTED, [1] * 300,
]  # fmt: skip
Rows = list[dict[str, Any]]


def micro_of(rows: Rows, choose: random.Random) -> list[Any]:
    """Some micro-operation, which may then be changed; a list of no history if there is none."""
    lists = [micro for row in rows if isinstance(row.get("value"), list) for micro in row["value"]
             if isinstance(micro, list)]  # fmt: skip
    return choose.choice(lists) if lists else []


def odd_key(rows: Rows, choose: random.Random) -> None:
    micro_of(rows, choose)[1:2] = [choose.choice(VALUES)]


def odd_value(rows: Rows, choose: random.Random) -> None:
    micro_of(rows, choose)[2:3] = [choose.choice(VALUES)]


def odd_name(rows: Rows, choose: random.Random) -> None:
    micro_of(rows, choose)[0:1] = [choose.choice([*VALUES, "w", "rp", "add", "inc", "cas"])]


def odd_arity(rows: Rows, choose: random.Random) -> None:
    micro = micro_of(rows, choose)
    if choose.random() < 0.5:
        del micro[choose.randrange(4) :]
    else:
        micro.insert(choose.randrange(4), choose.choice(VALUES))


def odd_element(rows: Rows, choose: random.Random) -> None:
    read = next((each for each in micro_of(rows, choose)[2:] if isinstance(each, list)), [])
    read.insert(choose.randrange(3), choose.choice([*VALUES, *read]))


def odd_micro(rows: Rows, choose: random.Random) -> None:
    value = choose.choice(rows).get("value")
    if isinstance(value, list):
        value.insert(choose.randrange(3), choose.choice([*VALUES, choose.choice(value or [1])]))


def odd_field(rows: Rows, choose: random.Random) -> None:
    row = choose.choice(rows)
    name = choose.choice([*row, "session", "key", "index", "time", "error"])
    row[name] = choose.choice([*VALUES, "invoke", "ok", "fail", "info", "txn", "read", "nemesis"])


def no_field(rows: Rows, choose: random.Random) -> None:
    row = choose.choice(rows)
    row.pop(choose.choice(list(row)), None)


def other_type(rows: Rows, choose: random.Random) -> None:
    choose.choice(rows)["type"] = choose.choice(["invoke", "ok", "fail", "info"])


STRUCTURED: list[Callable[[Rows, random.Random], None]] = [
    odd_key, odd_value, odd_name, odd_arity, odd_element, odd_micro, odd_field, no_field, other_type,
]  # fmt: skip


def structured(data: bytes, choose: random.Random) -> bytes:
    """One damage to a history in JSON lines that leaves it JSON; none to others."""
    try:
        rows = [json.loads(line) for line in data.splitlines()]
    except ValueError:
        return data
    if not rows or not all(isinstance(row, dict) and row for row in rows):
        return data
    choose.choice(STRUCTURED)(rows, choose)
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def judged(path: Path, level: str, *, compiled: bool) -> Answer:
    """The answer; ``compiled`` as if the file were large."""
    question = Question(path, expect=level, time_limit_s=5.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(harness.formats, "COMPILED_BYTES_MIN", 0 if compiled else sys.maxsize)
        return answered(str(path), lambda: question, lambda progress: None)


def told(answer: Answer) -> tuple[Any, ...]:
    """What must be the same however it was read: the verdict, or the error."""
    types = sorted({each["type"] for each in answer.data.get("anomalies", ())})
    return answer.valid, answer.data.get("error"), answer.data.get("reason"), types


def truth(path: Path, level: str) -> bool | None:
    """What the definition says; None where it was not asked: too many transactions, or other types of data."""
    recording = read_recording(path)
    history = recording.history
    kind = data_type(history)
    if not recording.realtime:
        return None
    try:
        if kind == "list":
            listed = transactions(history)
            return brute.holds(listed, MODELS[level]) if len(listed) <= TRANSACTIONS_MAX else None
        reading = read_transactions(history, None, NIL_READS[recording.format])
        few = len(reading.transactions) <= TRANSACTIONS_MAX
        return registers.holds(reading, MODELS[level], {}) if few else None
    except (brute.TooLarge, Unsupported):
        return None


def check_one(path: Path, number: int) -> list[str]:
    """Damage a history and judge it; what came of it, and whether brute force was asked."""
    choose = random.Random(number)
    data = choose.choice(SEEDS).encode()
    for _ in range(choose.choice([1, 1, 1, 2, 3])):
        damages = [structured] * choose.choice([6, 60]) + test_malformed.DAMAGES
        data = choose.choice(damages)(data, choose) if data else data
    path.write_bytes(data)
    level = choose.choice(list(MODELS))
    answer = judged(path, level, compiled=False)
    large = judged(path, level, compiled=True)
    if answer.valid == "unknown" and large.valid != "unknown":  # an invocation that its completion contradicts
        answer, large = large, answer
    assert large.valid == "unknown" or told(large) == told(answer), (number, level, large, answer)
    if answer.valid is None:
        assert answer.data["error"].startswith(str(path)), (number, answer)
        assert "read " in answer.data["error"], (number, answer)
        assert "expected " in answer.data["error"], (number, answer)
        assert answer.text.isprintable(), (number, answer)
        return ["error"]
    assert answer.data["reason"] not in ("checker-error", "timeout"), (number, answer)
    json.dumps(answer.data)
    if answer.valid == "unknown":
        assert answer.data["explanation"], (number, answer)
        return [str(answer.data["reason"])]
    expected = None if answer.data["method"] == OTHER_DATA else truth(path, level)
    assert expected in (None, answer.valid), (number, level, answer)
    return [str(answer.valid), *(["by brute force"] if expected is not None else [])]


def campaign(path: Path, first: int, count: int) -> Counter[str]:
    return Counter(word for number in range(first, first + count) for word in check_one(path, number))


@pytest.mark.parametrize("first", range(0, 600, 200))
def test_damaged_histories_of_transactions(first: int, tmp_path: Path) -> None:
    found = campaign(tmp_path / "h", first, 200)
    assert found["error"] > 40
    assert min(found["True"], found["False"]) > 20
    assert found["unsupported"] > 5
    assert found["by brute force"] > 50
    assert set(found) <= {"error", "True", "False", "unsupported", "too-few-ok-operations", "by brute force"}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        print(dict(campaign(Path(folder) / "h", 0, int(sys.argv[1]))))
