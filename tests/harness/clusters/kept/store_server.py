"""A database that is not ours, for tests: values in one file, a process per worker, one of which leaves its session.

python3 store_server.py ADDRESS PORT FOLDER: lines of JSON {"f", "key", "value"} over TCP. Whoever cannot write ends,
and the whole database with it, with status 3.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import socket
import sys
from typing import Any

WORKERS = 3
CANNOT_WRITE = 3
LINE_BYTES = 512  # a disk that is full is soon noticed


def main(address: str, port: int, folder: str) -> int:
    listener = socket.create_server((address, port), backlog=100)
    print("ready", flush=True)
    workers = [fork(listener, folder, leaves=number == 0) for number in range(WORKERS)]
    signal.signal(signal.SIGTERM, lambda *_: end(workers, 0))
    os.wait()
    return end(workers, CANNOT_WRITE)


def end(workers: list[int], status: int) -> int:
    for worker in workers:
        try:
            os.kill(worker, signal.SIGKILL)
        except ProcessLookupError:
            continue
    os._exit(status)


def fork(listener: socket.socket, folder: str, *, leaves: bool) -> int:
    pid = os.fork()
    if pid:
        return pid
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    if leaves:
        os.setsid()
    while True:
        connection, _ = listener.accept()
        if os.fork() == 0:  # and nobody waits for it
            serve(connection, folder)
            os._exit(0)
        connection.close()


def serve(connection: socket.socket, folder: str) -> None:
    with connection, connection.makefile("rw", encoding="utf-8") as stream:
        for line in stream:
            try:
                reply = answer(json.loads(line), folder)
            except OSError as error:
                print(f"could not write: {error}", flush=True)
                with contextlib.suppress(ProcessLookupError, PermissionError):  # another has done it
                    os.kill(os.getppid(), signal.SIGKILL)  # the worker, which the first process sees
                os._exit(1)
            stream.write(json.dumps(reply) + "\n")
            stream.flush()


def answer(request: dict[str, Any], folder: str) -> dict[str, Any]:
    with open(f"{folder}/values.json", "a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        values = dict(json.loads(line) for line in file if line.startswith("[") and line.endswith("]\n"))
        old = values.get(request["key"])
        if request["f"] == "read":
            return {"type": "ok", "value": old}
        new = request["value"] if request["f"] == "write" else request["value"][1]
        if request["f"] == "cas" and old != request["value"][0]:
            return {"type": "fail", "error": "differs"}
        file.write("\n" + " " * LINE_BYTES + "\n" + json.dumps([request["key"], new]) + "\n")  # one may be torn
        file.flush()
        os.fsync(file.fileno())
        return {"type": "ok"}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
