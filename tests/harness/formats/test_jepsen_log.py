"""Jepsen's text log: operations among other lines."""

from __future__ import annotations

import pytest

from harness.formats import FormatError, jepsen_log
from harness.history import History, Op

LOG = """\
INFO  jepsen.os.debian - :n1 setting up debian
INFO  jepsen.util - 0\t:invoke\t:read\tnil
INFO  jepsen.util - :nemesis\t:info\t:start\t"Cut off {:n1 #{:n2}}"
2024-01-01 10:00:00,123{GMT}\tINFO\t[jepsen worker 1] jepsen.util: 1\t:invoke\t:cas\t[3 4]
INFO  jepsen.util - 0\t:ok\t:read\tnil
INFO  jepsen.util - 1\t:info\t:cas\t:timed-out
INFO  jepsen.util - 2\t:invoke\t:write\t4
INFO  jepsen.util - :nemesis\t:info\t:stop\tnot: edn] at all
INFO  jepsen.util - 2\t:info\t:write\t4\t:timed-out
3 :invoke :write 5
3 :fail :write 5 [:conn "refused (etcd)"]
4 :invoke :write 5
INFO  jepsen.util - 4\t:info\t:write\t5\tjava.net.Exception: "no
	at some.Class(Foo.java:3)
INFO  jepsen.core - Analysis of {:type :ok, :f :read} :ok
"""


def read(text: str) -> History:
    return jepsen_log.read(text.splitlines(keepends=True), "h.log").history


def test_operations_are_found_among_other_lines() -> None:
    assert list(read(LOG)) == [
        Op("invoke", 0, "read", None, index=0),
        Op("info", "nemesis", "start", "Cut off {:n1 #{:n2}}", index=1),
        Op("invoke", 1, "cas", [3, 4], index=2),
        Op("ok", 0, "read", None, index=3),
        Op("info", 1, "cas", None, index=4, error="timed-out"),
        Op("invoke", 2, "write", 4, index=5),
        Op("info", "nemesis", "stop", "not: edn] at all", index=6),
        Op("info", 2, "write", 4, index=7, error="timed-out"),
        Op("invoke", 3, "write", 5, index=8),
        Op("fail", 3, "write", 5, index=9, error=["conn", "refused (etcd)"]),
        Op("invoke", 4, "write", 5, index=10),
        Op("info", 4, "write", 5, index=11, error='java.net.Exception: "no'),
    ]


def test_lines_are_those_of_the_file() -> None:
    assert list(jepsen_log.read(LOG.splitlines(keepends=True)).lines) == [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]


@pytest.mark.parametrize(
    ("line", "read_", "expected"),
    [
        ("INFO  jepsen.util - 0\t:ok\t:read\t4", "may be cut off", "a line end"),
        ("INFO  jepsen.util - 0\t:ok\t:read\n", "['f', 'process', 'type']", '"value"'),
        ("INFO  jepsen.util - 0\t:ok\t\n", ":ok", "process, type, name and value"),
        ("INFO  jepsen.util - x\t:ok\t:read\t4\n", ":ok", "process, type, name and value"),
        ("INFO  jepsen.util - 0\t:ok\t:read\t[1 2\n", "[1 2", "one EDN value"),
        ("INFO  jepsen.util - 0\t:ok\t:read\t1] [2\n", "1] [2", "one EDN value"),
        ("INFO  jepsen.util - 0\t:ok\t:read\t1 2 3\n", "1 2 3", "one EDN value"),
        ("INFO  jepsen.util - 0\t:ok\t:read\t1 2 3\tx\n", "1 2 3", "one EDN value"),
        ("INFO  jepsen.util - 0\t:ok\t:write\t1\n", "'write' completing operation 0", "'read'"),
        ("INFO  jepsen.util - 0\t:ok\t:read\t" + "[" * 100_000 + "\n", "nested more than 64 deep", "one EDN value"),
    ],
)
def test_damage_is_refused_with_its_line(line: str, read_: str, expected: str) -> None:
    with pytest.raises(FormatError) as caught:
        read("something else\nINFO  jepsen.util - 0\t:invoke\t:read\tnil\n" + line)
    assert (caught.value.path, caught.value.line) == ("h.log", 3)
    assert read_ in caught.value.read
    assert expected in caught.value.expected
