"""What a keeper sees of its database's troubles from beside it."""

from __future__ import annotations

import socket
from collections import Counter
from pathlib import Path

import pytest

from harness.node import witness
from harness.node.family import Family
from harness.node.witness import Witness, network, unread


def test_errors_of_the_disk_are_counted_once_as_they_are_printed(tmp_path: Path) -> None:
    counts = Counter[str]()
    log = tmp_path / "database.log"
    log.write_text("ERROR: No space left on device\n")  # of a life before this one
    (tmp_path / "node.log").write_text("")
    seen = Witness(Family(None), str(tmp_path), lambda name, by: counts.update({name: by}))
    seen.look()
    assert not +counts
    with log.open("a") as file:
        file.write("PANIC: could not write: No space left on device\nwrite wal: input/output error\n")
        file.write("read-only file system; Read-only file system\nShort write while writing to the AOF file\n")
    (tmp_path / "node.log").write_text("our own words on No space left on device")
    seen.look()
    seen.look()
    disk = {name: count for name, count in counts.items() if name.startswith("disk.") and count}
    assert disk == {"disk.ENOSPC": 2, "disk.EIO": 1, "disk.EROFS": 2}


def test_a_thread_that_sleeps_for_the_disk_from_look_to_look_is_counted_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asleep = [[(7, "1")], [(7, "2"), (8, "5")], [(7, "2"), (8, "5")], [(7, "2"), (8, "6")], []]
    counts = Counter[str]()
    seen = Witness(Family(None), str(tmp_path), lambda name, by: counts.update({name: by}))
    monkeypatch.setattr(seen, "_sleeping", lambda: iter(asleep.pop(0)))
    while asleep:
        seen.look()
    assert counts[witness.WAITED] == 2  # 7 and 8 once each: a new sleep is no wait yet


def test_refused_connections_are_the_kernels_own_figures() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        address = gone.getsockname()
    before = network()["net.refused"]
    for _ in range(3):
        with socket.socket() as sock, pytest.raises(ConnectionRefusedError):
            sock.connect(address)
    assert network()["net.refused"] >= before + 3


def test_what_waits_to_be_read_is_seen_if_it_came_from_elsewhere() -> None:
    """From another address of this machine: what has the same at both ends stays within it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        others = frozenset(range(1 << 16)) - {port}
        with socket.create_connection(server.getsockname(), source_address=("127.0.0.5", 0)) as client:
            taken, _ = server.accept()
            with taken:
                assert unread(others) == 0
                client.sendall(b"x")
                assert unread(others) == 1
                assert unread(others | {port}) == 0
                taken.recv(1)
                assert unread(others) == 0
