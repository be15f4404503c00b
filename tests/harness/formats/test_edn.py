"""Jepsen's EDN: its notations, its nemesis, and hostile text."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.formats import FormatError, edn
from harness.formats.edn_reader import ATOM_CHARS_MAX, EdnError, Keyword, Reader, Symbol
from harness.formats.edn_writer import write
from harness.formats.record import KeyedValue, Recording
from harness.history import History, Op


def read(text: str) -> History:
    return edn.read(text.splitlines(keepends=True), "h.edn").history


def refusal(text: str) -> FormatError:
    with pytest.raises(FormatError) as caught:
        read(text)
    return caught.value


def elements(text: str) -> list[Any]:
    return [value for _, value in Reader(text).elements()]


MAPS = """{:index 0, :type :invoke, :process 0, :f :cas, :value [1 2], :time 5}
{:index 1, :type :info, :process :nemesis, :f :start, :value #{:n2 :n1}, :clock-offsets {:n1 0.5}}
; a comment }
#_ {:type :nonsense}
#jepsen.history.Op{:index 2, :type :ok, :process 0, :f :cas, :value [1 2], :time 9, :error [:late "x"]}
"""


@pytest.mark.parametrize("text", [MAPS, f"[{MAPS}]", f"({MAPS})", f"; first\n#_[1]\n[{MAPS}\n] ; last\n #_{{}}"])
def test_a_map_per_line_or_a_vector_of_maps(text: str) -> None:
    assert list(read(text)) == [
        Op("invoke", 0, "cas", [1, 2], 5, 0),
        Op("info", "nemesis", "start", ["n1", "n2"], -1, 1, extra={"clock-offsets": {"n1": 0.5}}),
        Op("ok", 0, "cas", [1, 2], 9, 2, error=["late", "x"]),
    ]


def test_lines_are_those_of_the_operations() -> None:
    recording = edn.read(f"\n[{MAPS}]".splitlines(keepends=True), "h.edn")
    assert list(recording.lines) == [2, 3, 6]


def test_independent_tuples_count_only_if_marked() -> None:
    marked = "{:type :invoke :process 0 :f :write :value #jepsen.independent/tuple [:x 1]}\n"
    history = read(marked + marked.replace("invoke", "ok"))
    assert [(op.key, op.value) for op in history] == [("x", 1), ("x", 1)]
    history = read("{:type :invoke :process 0 :f :write :value [:x 1]}")
    assert (history[0].key, history[0].value) == (None, ["x", 1])


def test_a_read_that_asks_with_an_unmarked_key_is_refused() -> None:
    error = refusal("{:type :invoke :process 0 :f :read :value [3 nil]}")
    assert "--independent" in error.expected


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("nil true false", [None, True, False]),
        ("0 -1 +2 12N 0x1F", [0, -1, 2, 12, 31]),
        ("1.5 -2e3 1E-2", [1.5, -2000.0, 0.01]),
        ("1/2 1.50M", [Symbol("1/2"), Symbol("1.50M")]),
        (":a :a/b :+", [Keyword("a"), Keyword("a/b"), Keyword("+")]),
        ("sym a.b/c -", [Symbol("sym"), Symbol("a.b/c"), Symbol("-")]),
        (r'"a\n\"\\\u0041\101" "" "é"', ['a\n"\\AA', "", "é"]),
        (r"\a \newline \u00e9 \[ \\", ["a", "\n", "é", "[", "\\"]),
        ("#{3 1 2} #{}", [[1, 2, 3], []]),
        ('#{"b" :a [2] 10 9}', [["b", 10, 9, "a", [2]]]),
        ("{:a 1, [1 2] 3, 4 {}}", [{"a": 1, "[1,2]": 3, 4: {}}]),
        ('#inst "2020" #uuid"x" #foo.Bar{:a 1} #:ns{:b 2}', ["2020", "x", {"a": 1}, {"b": 2}]),
        ("#jepsen.independent.Tuple[1 2]", [KeyedValue([1, 2])]),
        ('#object[java.Foo 0x1f "Foo@1"]', [["java.Foo", 31, "Foo@1"]]),
        ("1 #_2 3 #_ #_ 4 5 6", [1, 3, 6]),
        (",,1,;x\n2", [1, 2]),
        ("[1 [2 (3)]]", [1, [2, [3]]]),
    ],
)  # fmt: skip
def test_notation(text: str, value: list[Any]) -> None:
    found = elements(text)
    assert found == value
    assert [type(item) for item in found] == [type(item) for item in value]


def test_equal_sets_are_equal_lists_whatever_their_order() -> None:
    assert elements('#{:b "a" [{:x 1 "y" 2}] 3}') == elements('#{3 [{"y" 2 :x 1}] :b "a"}')


@pytest.mark.parametrize(
    ("text", "position", "read"),
    [
        ("[1 2", 4, "end of the file"),
        ("[{:a 1", 1, "does not end"),
        ('{:a "x', 4, "a string that does not end"),
        ("{:a}", 0, "has no value"),
        ("{:a 1 :a 2}", 0, "the same key twice"),
        ('{:a 1 "a" 2}', 0, "the same key twice"),
        ("{1 1 true 2}", 0, "the same key twice"),
        ("#{1 1}", 0, "the same element twice"),
        ("[1)", 2, "')'"),
        ("]", 0, "']'"),
        ("[]]", 2, "']'"),
        ("[] #_", 3, "does not end"),
        ("[] 1", 3, "1"),
        ("[#_]", 3, "']'"),
        ("{#foo}", 5, "'}'"),
        ("#_", 0, "does not end"),
        ("^{:a 1} b", 0, "'^{"),
        ("#=(eval)", 0, "'#=(eval)'"),
        ("  ; x\n ##NaN", 7, "##NaN"),
        ("##Inf", 0, "##Inf"),
        ("1e999", 0, "'1e999'"),
        ("007", 0, "'007'"),
        ("1x", 0, "'1x'"),
        (":", 0, ":"),
        (r'"\q"', 1, r"the escape \q"),
        (r"\foo", 0, "foo"),
        ("#jepsen.independent/tuple [1]", 0, "[1]"),
        ("1" * (ATOM_CHARS_MAX + 1), 0, "characters"),
        ("[" * 100_000, 65, "nested more than 64 deep"),
        ("#_" * 100_000, 128, "nested more than 64 deep"),
        ("#a " * 100_000, 192, "nested more than 64 deep"),
        (" ," * 200_000 + "^", 400_000, "'^'"),
        ('"' + '\\"' * 200_000, 0, "a string that does not end"),
    ],
)
def test_what_is_not_edn_is_refused_where_it_stands(text: str, position: int, read: str) -> None:
    with pytest.raises(EdnError) as caught:
        elements(text)
    assert caught.value.position == position
    assert read in caught.value.read
    assert len(str(caught.value)) < 400


@given(st.text(alphabet='[](){}#_"\\:;,^ \n1a', max_size=30))
@example('"\\')
@example("#_#a")
@example("\\")
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(EdnError):  # and nothing else: neither another exception nor a hang
        elements(text)


plain_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet="ab\"\\\n;[]é", max_size=4),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=8,
)  # fmt: skip


def edn_text(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "nil", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return "[" + " ".join(map(edn_text, value)) + "]" if isinstance(value, list) else str(value)


@given(st.lists(plain_values, max_size=4))
def test_what_is_printed_is_read_back(values: list[Any]) -> None:
    assert repr(elements("[" + ",".join(map(edn_text, values)) + "]")) == repr(values)


@given(st.integers(1, len(MAPS)))
def test_a_vector_that_is_cut_off_is_an_error_wherever_it_is_cut(length: int) -> None:
    text = f"[{MAPS}]"
    refusal(text[:length])
    assert "cut off" in refusal(text[:-1]).read


@pytest.mark.parametrize(
    ("text", "line", "read"),
    [
        ("{:type :invoke :process 0 :f :read :value nil}\n{:type :ok", 2, "cut off"),
        ("{:type :invoke :process 0 :f :read :value nil}\n\n7", 3, "7"),
        ("{:type :invoke :process 0 :f :read :value nil}\n{:type :ok :process 1 :f :read :value 1}", 2, "runs nothing"),
        ("[{:type :invoke\n:process 0 :f :read :value nil}\n{:type\n:ok :process 0 :value 1}]", 3, "['process'"),
        ("{1 2}", 1, "the field 1"),
        ("{:type :invoke :process nil :f :read :value nil}", 1, '"process" None'),
        ("{:type :invoke :process 0 :f :read}", 1, "['f', 'process', 'type']"),
    ],
)
def test_damage_is_refused_with_its_line(text: str, line: int, read: str) -> None:
    error = refusal(text)
    assert (error.path, error.line) == ("h.edn", line)
    assert read in error.read


def test_values_that_would_become_the_same_are_refused() -> None:
    write = "{:type :invoke :process 0 :f :write :value :a}\n{:type :ok :process 0 :f :write :value :a}\n"
    error = refusal(write + '{:type :invoke :process 0 :f :write :value "a"}\n')
    assert error.line == 3
    assert "as a string, and before as a keyword" in error.read
    assert len(read(write + '{:type :info :process :nemesis :f :start :value "a"}\n')) == 3, "nobody compares those"


def test_transactions_by_hand_may_lack_their_beginnings() -> None:
    recording = edn.read(
        "{:type :ok :process 0 :value [[:w :x 1]]}\n{:type :ok :process 0 :value [[:r :x 1]]}\n".splitlines(
            keepends=True
        )
    )
    assert [(op.type, op.process) for op in recording.history] == [("invoke", 0), ("invoke", 1), ("ok", 0), ("ok", 1)]
    assert list(recording.lines) == [1, 2, 1, 2]
    assert not recording.realtime
    with pytest.raises(FormatError, match="runs nothing"):
        edn.read(["{:type :ok :process 0 :f :txn :value [[:w :x 1]]}\n"])


@pytest.mark.parametrize(("value", "written"), [(1, '[:append "x" 1]'), ("r", '["append" "x" "r"]')])
def test_micro_operations_are_named_as_elle_names_them(value: Any, written: str) -> None:
    """Unless somebody would take a value for a name."""
    transaction = [["append", "x", value], ["r", 2, [[7]]]]
    ops = [Op("invoke", 0, "txn", transaction), Op("ok", 0, "txn", transaction)]
    lines = list(write(Recording(History(ops), "h.edn", "edn", range(3)), "nothing"))
    assert written in lines[1]
    assert [op.value for op in read("".join(lines))] == [transaction, transaction]
