"""Reading files: the format is found by content, and every file is bounded UTF-8."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.formats import FORMATS, NIL_READS, FormatError, read_history, read_recording, source

JSONL = '{"type": "invoke", "process": 0, "f": "read", "value": null}\n'
EDN = "{:type :invoke, :process 0, :f :read, :value nil}\n"
LOG = "INFO  jepsen.util - 0\t:invoke\t:read\tnil\n"


def written(folder: Path, content: bytes | str, name: str = "history") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (JSONL, "jsonl"),
        ("\n  \n" + JSONL, "jsonl"),
        ("\ufeff" + JSONL, "jsonl"),
        (JSONL.replace("\n", "\r\n"), "jsonl"),
        ('{"schema": "splitbrain.history/1"}\n' + JSONL, "jsonl"),
        (EDN, "edn"),
        ("; a comment with {\"json\": 1}\n" + EDN, "edn"),
        ("[" + EDN + "]", "edn"),
        ("[\n" + EDN + "]", "edn"),
        ("(" + EDN + ")", "edn"),
        ("[]", "edn"),
        ("#jepsen.history.Op" + EDN, "edn"),
        (LOG, "jepsen-log"),
        ("INFO [main] jepsen.core - go\n[a line] of another kind\n" + LOG, "jepsen-log"),
        ("[main] INFO jepsen.core - go\n" + LOG, "jepsen-log"),
        ("0 :invoke :read nil\n", "jepsen-log"),
        ("[" + JSONL + "]", "json"),
        ("\n[\n  " + JSONL.replace(", ", ",\n") + "]\n", "json"),
        ('[{"ClientId": 0, "Input": "read", "Call": 1}]', "porcupine-json"),
        ('[\n{\n"Kind": "call", "Id": 0, "Value": {"op": "read"}}]', "porcupine-json"),
        ("# @object atomic-queue\n[1] call add(1)\n", "violin-log"),
        ("# from a paper\n\n# @object atomic-stack\n  [1] call pop()", "violin-log"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["history.jsonl", "history.edn", "x.log"])
def test_the_format_is_found_by_content_and_not_by_name(tmp_path: Path, content: str, found: str, name: str) -> None:
    recording = read_recording(written(tmp_path, content, name))
    assert recording.format == found
    assert len(recording.history) == (0 if content == "[]" else 1)


def test_a_format_may_be_named(tmp_path: Path) -> None:
    path = written(tmp_path, EDN)
    assert len(read_history(path, "edn")) == 1
    with pytest.raises(FormatError, match=r"history:1: .*not JSON"):
        read_history(path, "jsonl")


@pytest.mark.parametrize(
    ("content", "line", "read", "expected"),
    [
        ("", None, "the file is empty", "a history"),
        ("\n\n", None, "the file is empty", "a history"),
        ("hello\n", 1, "'hello'", "--format"),
        ("\n[" + JSONL, 3, "the end of the file", "]"),
        ("[1] call push(1)\n", 1, "a call before its object", "@object"),
        ("# queue\nenq 1 0\n", 2, "enq 1 0", "name value start end"),
        (JSONL.encode() + b'{"type": "\xff"}\n', 2, "0xff", "UTF-8"),
        (b"\x1f\x8b\x08\x00", 1, "0x8b", "decompress"),
        (b"\x00" * 100, 1, "\\x00", "--format"),
    ],
)
def test_what_is_no_history(tmp_path: Path, content: bytes | str, line: int | None, read: str, expected: str) -> None:
    path = written(tmp_path, content)
    with pytest.raises(FormatError) as caught:
        read_history(path)
    assert (caught.value.path, caught.value.line) == (str(path), line)
    assert read in caught.value.read
    assert expected in caught.value.expected
    assert str(caught.value).startswith(str(path))


def test_lines_and_texts_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "LINE_BYTES_MAX", 100)
    with pytest.raises(FormatError, match=r"history:2: read a line longer than 100 bytes"):
        read_history(written(tmp_path, JSONL + JSONL.replace("null", '"' + "x" * 100 + '"')))
    monkeypatch.setattr(source, "TEXT_CHARS_MAX", 200)
    with pytest.raises(FormatError, match="more than 200 characters"):
        read_history(written(tmp_path, EDN * 10))


def test_an_endless_line_is_refused_before_it_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "LINE_BYTES_MAX", 1_000_000)
    with pytest.raises(FormatError, match="longer than"):
        read_history("/dev/zero")


def test_nil_reads_by_default() -> None:
    assert set(NIL_READS) == set(FORMATS)
    assert [name for name, nil_reads in NIL_READS.items() if nil_reads != "value"] == ["edn"]
