"""Writes the packets of one interface into a file that packet analysers read, in the background and within a bound.

The format is libpcap's (draft-ietf-opsawg-pcap): a header, then each frame after its time and lengths. SSH is left out:
it is the harness's own, and may share the interface. Run as ``capture INTERFACE FILE BYTES_MAX``, where ``-`` stands
for all interfaces; the process goes on by itself until the file is full, a day is over, or its machine goes.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import sys
import time
from collections.abc import Sequence
from typing import BinaryIO, Final

HEADER: Final = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1)  # microseconds, version 2.4, Ethernet
RECORD: Final = struct.Struct("<IIII")
FRAME_BYTES_MAX: Final = 65_535
RECEIVE_BYTES: Final = 8 << 20
FLUSH_S: Final = 0.1
SECONDS_MAX: Final = 24 * 3600.0
SSH_PORT: Final = 22

_ETH_P_ALL: Final = 0x0003
_IPV4, _IPV6 = 0x0800, 0x86DD
_TCP: Final = 6
_SO_RCVBUFFORCE: Final = 33


def main(arguments: Sequence[str]) -> None:
    """Prints {"pid": of the process that writes} once every packet from now on will be in the file."""
    interface, path, bytes_max = arguments[0], arguments[1], int(arguments[2])
    source = opened(interface)
    target = open(path, "ab", buffering=1 << 16)  # noqa: SIM115 (for as long as the process lives)
    read_end, write_end = os.pipe()
    if os.fork() == 0:
        _detach(write_end)
        _write(source, target, bytes_max)
        os._exit(0)
    os.close(write_end)
    print(json.dumps({"pid": int(os.read(read_end, 32) or b"0")}))


def opened(interface: str) -> socket.socket:
    """A socket that gets every frame that comes and goes there."""
    source = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
    source.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, RECEIVE_BYTES)
    if interface != "-":
        source.bind((interface, 0))
    source.settimeout(FLUSH_S)
    return source


def _detach(write_end: int) -> None:
    """Live on when whoever started this has gone, and hold nothing that they wait for the end of."""
    os.setsid()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    os.chdir("/")
    os.write(write_end, str(os.getpid()).encode())
    os.close(write_end)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115


def _write(source: socket.socket, target: BinaryIO, bytes_max: int) -> None:
    """Write frames until the file has ``bytes_max``, or a day is over. A reader sees whole frames soon after they
    came, if not at once."""
    end_s, flushed_s = time.monotonic() + SECONDS_MAX, 0.0
    size = target.tell()
    if size == 0:
        size += target.write(HEADER)
    while time.monotonic() < end_s and size < bytes_max:
        try:
            frame = source.recv(FRAME_BYTES_MAX)
        except TimeoutError:
            frame = b""
        if frame and not is_ssh(frame):
            size += target.write(record(frame, time.time_ns()))
        if time.monotonic() - flushed_s > FLUSH_S:
            target.flush()
            flushed_s = time.monotonic()
    target.flush()


def record(frame: bytes, time_ns: int) -> bytes:
    """A frame as the file has it."""
    seconds, rest_ns = divmod(time_ns, 1_000_000_000)
    return RECORD.pack(seconds, rest_ns // 1000, len(frame), len(frame)) + frame


def is_ssh(frame: bytes) -> bool:
    """Whether an Ethernet frame carries a TCP segment to or from the port of SSH."""
    kind = int.from_bytes(frame[12:14], "big")
    if kind == _IPV4 and len(frame) > 34 and frame[23] == _TCP:
        begin = 14 + (frame[14] & 15) * 4
    elif kind == _IPV6 and len(frame) > 54 and frame[20] == _TCP:
        begin = 54
    else:
        return False
    ports = frame[begin : begin + 4]
    return SSH_PORT in (int.from_bytes(ports[:2], "big"), int.from_bytes(ports[2:], "big"))
