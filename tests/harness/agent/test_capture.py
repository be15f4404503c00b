"""The packet writer: what it writes is the format's, whole, and none of SSH."""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.agent.capture import HEADER, RECORD, is_ssh, record
from tests.harness.agent.pcap import frames

ROOT = Path(__file__).resolve().parents[3]
RUN = "import sys; sys.path.insert(0, sys.argv[1]); from harness.agent.capture import main; main(sys.argv[2:])"


def ipv4(source: int, to: int, protocol: int = 6, options: int = 0) -> bytes:
    header = bytes([0x45 + options]) + bytes(8) + bytes([protocol]) + bytes(10) + bytes(4 * options)
    return bytes(12) + b"\x08\x00" + header + struct.pack(">HH", source, to) + bytes(16)


def ipv6(source: int, to: int) -> bytes:
    return (
        bytes(12) + b"\x86\xdd" + b"\x60" + bytes(5) + b"\x06" + bytes(33) + struct.pack(">HH", source, to) + bytes(16)
    )


def test_ssh_is_known_by_its_port_in_either_direction() -> None:
    assert all(map(is_ssh, (ipv4(22, 4000), ipv4(4000, 22), ipv4(4000, 22, options=3), ipv6(22, 9), ipv6(9, 22))))
    assert not any(map(is_ssh, (ipv4(7000, 2222), ipv4(22, 22, protocol=17), ipv6(7000, 220), b"", bytes(60))))


def test_a_record_is_time_lengths_and_frame() -> None:
    assert record(b"abc", 5_000_001_999) == RECORD.pack(5, 1, 3, 3) + b"abc"
    assert len(HEADER) == 24


def packet_sockets() -> bool:
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close()
    except OSError:
        return False
    return True


@pytest.mark.skipif(not packet_sockets(), reason="no packet sockets without CAP_NET_RAW")
@pytest.mark.parametrize("bytes_max", [1 << 20, 400])
def test_what_passes_an_interface_is_in_the_file(tmp_path: Path, bytes_max: int) -> None:
    path, words = tmp_path / "lo.pcap", [f"splitbrain {number} of 20".encode() for number in range(20)]
    command = [sys.executable, "-c", RUN, str(ROOT), "lo", str(path), str(bytes_max)]
    pid = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=20).stdout)["pid"]
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plug:
            for word in words:
                plug.sendto(word, ("127.0.0.1", 9))
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and not (path.exists() and enough(path, words, bytes_max)):
            time.sleep(0.05)
        assert enough(path, words, bytes_max)
        if bytes_max == 400:
            time.sleep(0.3)
            assert not alive(pid), "it ends when the file is full"
            assert path.stat().st_size < bytes_max + 70_000
    finally:
        if alive(pid):
            os.kill(pid, signal.SIGKILL)


def enough(path: Path, words: list[bytes], bytes_max: int) -> bool:
    """Whether all words are in the file, or it is full."""
    seen = b"".join(frames(path))
    return path.stat().st_size >= bytes_max or all(word in seen for word in words)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False
