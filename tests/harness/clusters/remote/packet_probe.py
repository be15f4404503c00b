"""Run on a node by tests: sends numbered datagrams to another node, and says which came, when, and in what order.

* ``listen PORT SECONDS [COUNT [IDLE_S]]`` prints {"numbers", "other", "bytes", "ms"} of what arrived: ``other`` had
  another content, and "ms" is the time from the first to the last.
* ``send ADDRESS PORT COUNT EVERY_MS BYTES`` sends it.
* ``echo PORT SECONDS`` sends everything back; ``ask ADDRESS PORT COUNT EVERY_MS`` prints {"ms": round-trip times}.
* Those that listen touch /run/packet-probe-PORT when they do.
* ``serve PORT`` takes one TCP connection to its end; ``move ADDRESS PORT BYTES`` prints {"ms"} until all had arrived.
"""

from __future__ import annotations

import json
import pathlib
import socket
import sys
import time

IDLE_S = 0.25
"""Who listens has heard all when nothing more came for so long."""

COMPLETE_S = 0.1
"""The same when every number that was sent has come."""


def listen(port: str, seconds: str, count: str = "0", idle_s: str = str(IDLE_S)) -> None:
    plug = _bound(port)
    numbers, seen, end = list[int](), set[int](), time.monotonic() + float(seconds)
    content = other = 0
    first = last = 0.0
    while (left := end - time.monotonic()) > 0:
        patience_s = COMPLETE_S if len(seen) == int(count) else float(idle_s)
        plug.settimeout(min(left, patience_s) if numbers else left)
        try:
            data = plug.recv(2000)
        except TimeoutError:
            break
        last = time.monotonic()
        first = first or last
        numbers.append(int.from_bytes(data[:4], "big"))
        seen.add(numbers[-1])
        other += data[4:] != b"x" * (len(data) - 4)
        content += len(data)
    print(json.dumps({"numbers": numbers, "other": other, "bytes": content, "ms": (last - first) * 1000}))


def send(address: str, port: str, count: str, every_ms: str, size: str) -> None:
    plug = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for number in range(int(count)):
        plug.sendto(number.to_bytes(4, "big") + b"x" * (int(size) - 4), (address, int(port)))
        if float(every_ms):
            time.sleep(float(every_ms) / 1000)


def echo(port: str, seconds: str) -> None:
    plug, end = _bound(port), time.monotonic() + float(seconds)
    plug.settimeout(float(seconds))
    while time.monotonic() < end:
        try:
            plug.sendto(*plug.recvfrom(2000))
        except TimeoutError:
            break
        plug.settimeout(IDLE_S)


def ask(address: str, port: str, count: str, every_ms: str) -> None:
    plug = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    plug.settimeout(0.5)
    times = []
    for number in range(int(count)):
        begin = time.monotonic()
        plug.sendto(number.to_bytes(4, "big"), (address, int(port)))
        try:
            plug.recv(2000)
        except TimeoutError:
            continue
        times.append((time.monotonic() - begin) * 1000)
        time.sleep(float(every_ms) / 1000)
    print(json.dumps({"ms": times}))


def serve(port: str) -> None:
    with socket.create_server(("", int(port))) as server:
        server.settimeout(10)
        _ready(port)
        connection, _ = server.accept()
        with connection:
            while connection.recv(1 << 16):
                pass


def move(address: str, port: str, size: str) -> None:
    with _connected(address, port) as plug:
        begin = time.monotonic()
        plug.sendall(bytes(int(size)))
        plug.shutdown(socket.SHUT_WR)
        while plug.recv(1):
            pass
        print(json.dumps({"ms": (time.monotonic() - begin) * 1000}))


def _connected(address: str, port: str) -> socket.socket:
    end = time.monotonic() + 5
    while True:
        try:
            return socket.create_connection((address, int(port)), 10)
        except ConnectionRefusedError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)


def _bound(port: str) -> socket.socket:
    plug = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    plug.bind(("", int(port)))
    _ready(port)
    return plug


def _ready(port: str) -> None:
    """Say that whatever is sent to the port from now on is heard."""
    pathlib.Path(f"/run/packet-probe-{port}").touch()


if __name__ == "__main__":
    if sys.argv[1] in ("listen", "echo", "serve"):
        pathlib.Path(f"/run/packet-probe-{sys.argv[2]}").unlink(missing_ok=True)
    {"listen": listen, "send": send, "echo": echo, "ask": ask, "serve": serve, "move": move}[sys.argv[1]](*sys.argv[2:])
