"""Random JSONL histories, plain and odd and damaged: to compare readers on."""

from __future__ import annotations

import json
from random import Random
from typing import Any

_ODD_TOKENS = (
    "null", "true", "false", "-0", "0", "01", "-", "1.5", "-0.0", "1e5", "1E+99", "1e999", "1e-400", "1.", ".5", "1e",
    "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809",
    "-9223372036854775807", "99999999999999999999", "1" * 99, "1" * 101, "1" * 5000, '""', '"x"', '"read"', '"a\\nb"',
    '"\\ud800"', '"\\u00e9"', '"\\u12"', '"\\x"', '"é"', '"\u2028"', "[]", "[null]", "[1, null]", "[[], null ]", "{}",
    '{"a": 1}', '{"a": 1, "a": 2}', '{"a": 1, "b": {"a": 2}}', '{"\\u0061": 1, "a": 2}', "[1, ]", "[1 2]", "{1: 2}",
    '{"a" 1}', '{"a": }', "[" * 59 + "]" * 59, "[" * 63 + "]" * 63, "[" * 64 + "]" * 64, "NaN", "Infinity",
    "-Infinity", "nul", "nulll", "tru", "falsee", '"' + "x" * 198 + '"', '"' + "x" * 201 + '"', '"nemesis"',
    '["append", 3, 1]', '[["append", 3, 1], ["r", 3, [1, 2]]]', '"\x7f"', '"\t"', '"', "'x'",
)  # fmt: skip
_NAMES = ("type", "process", "f", "value", "time", "index", "error", "key", "session", "node", "extra")
_ODD_NAMES = ("Type", "values", "schema", "typ", "a" * 9, "", "v\\u0061lue", "valu\\u0065", "é", "type ")


def value_of(random: Random) -> Any:
    """Any JSON value, most often a small integer."""
    choice = random.randrange(12)
    if choice < 6:
        return random.choice([0, 1, -1, 7, 2**62, -(2**63), 2**63 - 1, 2**63, random.randrange(10**6)])
    simple = [None, True, False, 1.5, -0.0, 1e99, "x", 'a"b\\c\n', "é\u2028\U0001f600", "", "\ud800"]
    if choice < 10:
        return random.choice(simple)
    if choice == 10:
        return [value_of(random) for _ in range(random.randrange(3))]
    return {random.choice("abcé"): value_of(random) for _ in range(random.randrange(3))}


def operations(random: Random, count: int) -> list[dict[str, Any]]:
    """The fields of lines that can be paired, with at most ``count`` operations."""
    lines: list[dict[str, Any]] = []
    running: dict[int, str] = {}
    keys = random.choice([[None], [None, 1, "1", "k"], ["é", 2**70, -5, 0, ""]])
    extras = random.random() < 0.3
    index = -1
    for _ in range(2 * count):
        process = random.choice([0, 1, 2, 7, 2**40]) if random.random() < 0.9 else random.choice(["nemesis", "é x"])
        fields: dict[str, Any] = {"process": process}
        if isinstance(process, int) and process in running:
            fields |= {"type": random.choice(["ok", "ok", "fail", "info"]), "f": running.pop(process)}
        else:
            fields |= {"type": "invoke" if isinstance(process, int) else "info"}
            fields["f"] = random.choice(["read", "write", "cas", "écris", "a name of an operation"])
            if isinstance(process, int):
                running[process] = fields["f"]
        fields["value"] = value_of(random)
        if random.random() < 0.1 and fields["type"] in ("fail", "info"):
            del fields["value"]
        if random.random() < 0.7:
            fields["time"] = random.choice([None, -5, 0, 1_700_000_000_000_000_000, random.randrange(10**12)])
        index += random.randrange(1, 3)
        if random.random() < 0.5:
            fields["index"] = random.choice([index, index, None, -3])
        if random.choice(keys) is not None:
            fields["key"] = random.choice(keys)
        if extras:
            for name in random.sample(["error", "session", "node", "extra"], random.randrange(3)):
                fields[name] = random.choice(["n1", "x\\y", None]) if name == "node" else value_of(random)
        lines.append(fields)
    return lines


def text_of(random: Random, lines: list[dict[str, Any]]) -> bytes:
    """As a file: its fields in some order, blanks here and there, a header perhaps."""
    parts = []
    if random.random() < 0.5:
        claims = random.choice([{}, {"model": "queue"}, {"nil_reads": "unknown"}])
        parts.append(json.dumps({"schema": "splitbrain.history/1", **claims}))
    ascii_only = random.random() < 0.5
    separators = random.choice([(", ", ": "), (",", ":"), (" ,\t", " :  ")])
    for fields in lines:
        names = list(fields)
        if random.random() < 0.3:
            random.shuffle(names)
        line = json.dumps({name: fields[name] for name in names}, ensure_ascii=ascii_only, separators=separators)
        parts.append(random.choice(["", "", "", " "]) + line + random.choice(["", "", "", " ", "\r"]))
    end = random.choice(["\n", "\n", "", "\n\n", "\n \n"])
    return ("\n".join(parts) + end).encode("utf-8", "replace")


def damaged(random: Random, text: bytes) -> bytes:
    """The text with one or two mistakes or rarities in it."""
    ways = (_byte_changed, _cut, _swapped, _token_replaced, _name_replaced, _line_moved)
    for _ in range(random.randrange(1, 3)):
        text = random.choice(ways)(random, text)
    return text


def _byte_changed(random: Random, text: bytes) -> bytes:
    at = random.randrange(len(text) + 1)
    piece = bytes([random.choice(b' \t\r\n\x00\x0b"\\{}[],:-0159eEnulx\x80\xc3\xff')])
    return text[:at] + random.choice([piece, b"", b"\xed\xa0\x80"]) + text[at + random.randrange(2) :]


def _cut(random: Random, text: bytes) -> bytes:
    return text[: random.randrange(len(text) + 1)]


def _swapped(random: Random, text: bytes) -> bytes:
    lines = text.split(b"\n")
    first, second = random.randrange(len(lines)), random.randrange(len(lines))
    lines[first], lines[second] = lines[second], lines[first]
    return b"\n".join(lines)


def _line_moved(random: Random, text: bytes) -> bytes:
    lines = text.split(b"\n")
    lines.insert(random.randrange(len(lines) + 1), random.choice([b"", b" ", b"\x0c", random.choice(lines)]))
    return b"\n".join(lines)


def _token_replaced(random: Random, text: bytes) -> bytes:
    """Another value for one of a line's fields."""
    name = random.choice(_NAMES).encode()
    places = [at for at in range(len(text)) if text.startswith(b'"' + name + b'":', at)]
    token = random.choice(_ODD_TOKENS).encode()
    if not places:
        return text.replace(b"}", b', "' + name + b'": ' + token + b"}", 1)
    start = random.choice(places) + len(name) + 3
    end = min((place for place in (text.find(b',"', start), text.find(b', "', start), text.find(b"}", start))
               if place >= 0), default=start)  # fmt: skip
    return text[:start] + b" " * random.randrange(2) + token + text[end:]


def _name_replaced(random: Random, text: bytes) -> bytes:
    name, other = random.choice(_NAMES), random.choice(_NAMES + _ODD_NAMES)
    return text.replace(f'"{name}"'.encode(), f'"{other}"'.encode(), 1)
