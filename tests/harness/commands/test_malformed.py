"""Histories that were damaged: a clear error, or a verdict that brute force shares; never a traceback.

``python -m tests.harness.commands.test_malformed 10000`` is the same as a campaign.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.commands.judge import Answer, answered
from harness.commands.question import Question
from tests.harness.commands.test_check import BY_MODEL, call

JSONL = '{"schema": "splitbrain.history/1"}\n' + "".join(
    call(process, *each) for process, each in enumerate([("write", 1, 1), ("read", None, 1), ("cas", [1, 2], [1, 2])])
)
OVERLAPPING = """\
{:type :invoke, :process 0, :f :write, :value 1, :time 5}
{:type :invoke, :process 1, :f :read, :value nil} ; a comment
{:type :ok, :process 1, :f :read, :value nil}
{:type :info, :process 0, :f :write, :value 1, :error :timeout}
{:type :invoke, :process 2, :f :cas, :value [1 3]}
#jepsen.history.Op{:type :fail, :process 2, :f :cas, :value [1 3]}
{:type :info, :process :nemesis, :f :start, :value #{"n1" \\a 1.5M}}
"""
LOG = """\
INFO  jepsen.util - 0\t:invoke\t:read\tnil
INFO  jepsen.util - 1\t:invoke\t:cas\t[nil 4]
INFO  jepsen.util - :nemesis\t:info\t:start\t"cut"
INFO  jepsen.util - 0\t:ok\t:read\t4
INFO  jepsen.util - 1\t:info\t:cas\t:timed-out
"""
OPERATIONS = json.dumps(
    [{"ClientId": i, "Input": {"op": "write" if i % 2 else "read", "value": i}, "Call": i, "Output": i + 1,
      "Return": 2 * i + 3} for i in range(4)]
)  # fmt: skip
EVENTS = json.dumps(
    [{"ClientId": 0, "Kind": "call", "Id": 0, "Value": {"op": "write", "value": 1}},
     {"ClientId": 0, "Kind": "return", "Id": 0, "Value": None}]
)  # fmt: skip
VIOLIN = "# @object atomic-queue\n[1] call add(1)\n[2] call remove\n[1] return\n[2] return 1\n[3] call remove()\n"
POLYLIN = "# stack\npush 1 0 5\npop 1 2 6\npush 2 7 8\npop -1 9 10\n"

SEEDS: list[tuple[str, str | None]] = [
    (JSONL, None), (OVERLAPPING, None), ("[" + OVERLAPPING + "]", None), (LOG, None), (OPERATIONS, None),
    (EVENTS, None), (VIOLIN, None), (POLYLIN, None),
    *((f"[{','.join(''.join(call(0, *each) for each in calls).splitlines())}]", model)
      for model, pair in BY_MODEL.items() for calls in pair),
    *(("".join(call(i, *each) for i, each in enumerate(pair[1])), model) for model, pair in BY_MODEL.items()),
]  # fmt: skip

STRANGE = [b"\xff", b"\x00", b"[" * 200, b"{" * 70, b'"', b"\\", b"9" * 5000, b"-1", b"1e999", b"NaN", b"null", b"nil",
           b"{}", b"#", b"\xed\xa0\x80", b"\n", b" ", b"true", b'"invoke"', b'"ok"', b":ok", b"[1,[2,[3]]]",
           b"99999999999999999999", b"1.5", b"\\u0000", b'{"a": 1}', b";", b",", b"]", b"}",
           b"\xe2\x80\xa8", b"##NaN", b"#_", b"2/3"]  # fmt: skip


def cut(data: bytes, choose: random.Random) -> bytes:
    return data[: choose.randrange(len(data) + 1)]


def drop_line(data: bytes, choose: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    del lines[choose.randrange(len(lines))]
    return b"".join(lines)


def double_line(data: bytes, choose: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    lines.insert(choose.randrange(len(lines) + 1), choose.choice(lines))
    return b"".join(lines)


def shuffle_lines(data: bytes, choose: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    choose.shuffle(lines)
    return b"".join(lines)


def insert(data: bytes, choose: random.Random) -> bytes:
    at = choose.randrange(len(data) + 1)
    return data[:at] + choose.choice(STRANGE) + data[at:]


def replace(data: bytes, choose: random.Random) -> bytes:
    at = choose.randrange(len(data) + 1)
    return data[:at] + choose.choice(STRANGE) + data[at + choose.randrange(1, 8) :]


def flip(data: bytes, choose: random.Random) -> bytes:
    at = choose.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << choose.randrange(8)]) + data[at + 1 :]


def swap_word(data: bytes, choose: random.Random) -> bytes:
    words = [b'"value"', b'"process"', b'"f"', b'"type"', b"invoke", b"ok", b"read", b"write", b"null", b"nil", b"1"]
    return data.replace(choose.choice(words), choose.choice([*words, *STRANGE]), choose.choice([1, -1]))


DAMAGES: list[Callable[[bytes, random.Random], bytes]] = [
    cut, drop_line, double_line, shuffle_lines, insert, replace, flip, swap_word,
]  # fmt: skip


def judged(path: Path, model: str | None, method: str) -> Answer:
    question = Question(path, model=model, method=method, time_limit_s=5.0)
    return answered(str(path), lambda: question, lambda progress: None)


def check_one(path: Path, number: int) -> str:
    """Damage a history and judge it; what came of it."""
    choose = random.Random(number)
    text, model = choose.choice(SEEDS)
    data = text.encode()
    for _ in range(choose.choice([1, 1, 1, 2, 3])):
        data = choose.choice(DAMAGES)(data, choose) if data else data
    path.write_bytes(data)
    answer = judged(path, model, "auto")
    if answer.valid is None:
        assert answer.data["error"].startswith(str(path)), (number, answer)
        assert "read " in answer.data["error"], (number, answer)
        assert "expected " in answer.data["error"], (number, answer)
        assert answer.text.isprintable(), (number, answer)
        return "error"
    assert answer.data["reason"] != "checker-error", (number, answer)
    json.dumps(answer.data)
    if answer.valid == "unknown":
        return str(answer.data["reason"])
    other = judged(path, model, "brute")
    assert other.valid in (answer.valid, "unknown"), (number, answer, other)
    return str(answer.valid)


@pytest.mark.parametrize("first", range(0, 2000, 500))
def test_damaged_histories(first: int, tmp_path: Path) -> None:
    found = Counter(check_one(tmp_path / "h", number) for number in range(first, first + 500))
    assert found["error"] > 100
    assert min(found["True"], found["False"]) > 10
    assert set(found) <= {"error", "True", "False", "unsupported", "too-few-ok-operations"}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        print(Counter(check_one(Path(folder) / "h", number) for number in range(int(sys.argv[1]))))
