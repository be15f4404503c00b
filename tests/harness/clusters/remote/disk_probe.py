"""Run inside a node: does one thing to a file as any program would, and prints what came of it as JSON.

python3 disk_probe.py ACT PATH [TEXT]: ``write`` (append and fsync), ``append`` (no fsync), ``read``, ``names`` (of a
folder), ``torrent`` (write 4 KiB, fsync a little later, again and again; the process id to TEXT first).
"""

import json
import os
import sys
import time


def append(path: str, data: bytes, *, sync: bool) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        assert os.write(fd, data) == len(data)
        if sync:
            os.fsync(fd)
    finally:
        os.close(fd)


def torrent(path: str, pid_file: str) -> None:
    with open(f"/proc/{os.getpid()}/stat", encoding="utf-8") as stat, open(pid_file, "w", encoding="utf-8") as file:
        file.write(f"{os.getpid()} {stat.read().rpartition(')')[2].split()[19]}")
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    while True:
        os.write(fd, bytes(4096))
        time.sleep(0.001)
        os.fsync(fd)


def act(what: str, path: str, text: str = "") -> dict[str, object]:
    began = time.monotonic()
    try:
        if what in ("write", "append"):
            append(path, text.encode(), sync=what == "write")
            return {"ms": (time.monotonic() - began) * 1000}
        if what == "read":
            with open(path, "rb") as file:
                return {"text": file.read().decode("latin-1")}
        return {"names": sorted(os.listdir(path))}
    except OSError as error:
        return {"errno": error.errno}


if __name__ == "__main__":
    if sys.argv[1] == "torrent":
        torrent(*sys.argv[2:])
    print(json.dumps(act(*sys.argv[1:])))
