"""What was on a node's disk in one file: whole, within its bound, and nothing that a link leads to."""

from __future__ import annotations

import tarfile
from pathlib import Path

from harness.agent.archive import pack


def test_files_are_packed_under_their_names(tmp_path: Path) -> None:
    data, target = tmp_path / "data", tmp_path / "out" / "data.tar.gz"
    (data / "disk").mkdir(parents=True)
    target.parent.mkdir()
    (data / "disk" / "log").write_bytes(b"entries" * 100)
    (data / "incarnation").write_text("7")
    (data / "secret").symlink_to("/etc/hostname")
    assert pack(str(data), str(target), 1 << 20) == {"files": 2, "bytes": 701, "left_out": []}
    with tarfile.open(target) as archive:
        assert archive.getnames() == ["disk/log", "incarnation"]
        member = archive.extractfile("disk/log")
        assert member is not None
        assert member.read() == b"entries" * 100


def test_beyond_the_bound_the_largest_are_left_out_and_named(tmp_path: Path) -> None:
    for name, size in (("a", 10), ("b", 5000), ("c", 300), ("d", 4000)):
        (tmp_path / name).write_bytes(bytes(size))
    target = tmp_path.parent / f"{tmp_path.name}.tar.gz"
    assert pack(str(tmp_path), str(target), 1000) == {"files": 2, "bytes": 310, "left_out": ["b", "d"]}


def test_an_empty_folder_is_an_empty_archive(tmp_path: Path) -> None:
    target = tmp_path.parent / f"{tmp_path.name}.tar.gz"
    assert pack(str(tmp_path / "nowhere"), str(target), 1000) == {"files": 0, "bytes": 0, "left_out": []}
    with tarfile.open(target) as archive:
        assert archive.getnames() == []
