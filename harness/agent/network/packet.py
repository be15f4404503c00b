"""What the engine must know of an IPv4 packet: whose it is, how long, and how to spoil it."""

from __future__ import annotations

from random import Random
from typing import Final

HEADER_BYTES_MAX: Final = 60
"""Of an IPv4 header; all that is needed of a packet that is left as it is."""

_TCP: Final = 6
_UDP: Final = 17
_TCP_CHECKSUM_AT: Final = 16


def source(packet: bytes | memoryview) -> bytes:
    """The sender's address, 4 bytes."""
    return bytes(packet[12:16])


def destination(packet: bytes | memoryview) -> bytes:
    """The receiver's address, 4 bytes."""
    return bytes(packet[16:20])


def size_bytes(packet: bytes | memoryview) -> int:
    """The whole packet's length as its header has it; the packet itself may have been cut short."""
    return packet[2] << 8 | packet[3]


def spoiled(packet: bytes, random: Random) -> bytes:
    """The packet with one byte of its content changed, so that the receiver's checksum cannot match.

    A sum of 16-bit words sees every change of one byte. Where there is no content it is TCP's checksum itself that
    changes, or a port of UDP (whose checksum may be 0 for "none").
    """
    start, protocol = (packet[0] & 15) * 4, packet[9]
    data = start + {_TCP: (packet[start + 12] >> 4) * 4 if len(packet) > start + 12 else 20, _UDP: 8}.get(protocol, 0)
    if data < len(packet):
        place = random.randrange(data, len(packet))
    else:
        place = min(start + (_TCP_CHECKSUM_AT if protocol == _TCP else 0), len(packet) - 1)
    changed = bytearray(packet)
    changed[place] ^= random.randrange(1, 256)
    return bytes(changed)
