"""Files that anybody may have written: pipes, devices, endless and deep ones are refused at once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness import file
from harness.file import read_bounded, read_json


def test_a_regular_file_is_read_also_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "file").write_text('{"a": "ä"}')
    (tmp_path / "link").symlink_to("file")
    assert read_bounded(tmp_path / "file") == '{"a": "ä"}'
    assert read_json(tmp_path / "link") == {"a": "ä"}


def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero"), tmp_path):
        with pytest.raises(OSError, match="no regular file"):
            read_bounded(path)
    with pytest.raises(FileNotFoundError):
        read_bounded(tmp_path / "missing")


def test_no_more_is_read_than_is_sane(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file, "FILE_BYTES_MAX", 10)
    (tmp_path / "file").write_text("1" * 10)
    assert read_json(tmp_path / "file") == 1111111111
    (tmp_path / "file").write_text("1" * 11)
    with pytest.raises(OSError, match="longer than 10 bytes"):
        read_bounded(tmp_path / "file")


@pytest.mark.parametrize("text", ["[" * 200_000, "9" * 5000, "", "\ufeff", "{"])
def test_what_is_no_json_is_a_value_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "file").write_text(text)
    with pytest.raises(ValueError, match=r"."):
        read_json(tmp_path / "file")
    (tmp_path / "file").write_bytes(b"\xff")
    with pytest.raises(ValueError, match="utf-8"):
        read_json(tmp_path / "file")
