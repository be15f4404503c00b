"""A key-value server: one line asks, one line answers, and every change is in a log, so that a crash forgets nothing.

python3 server.py ADDRESS PORT LOG
SET key value -> OK    GET key -> VALUE value, or NONE    KEYS -> VALUE key key ...
"""

import asyncio
import os
import sys
import zlib


class Store:
    """What is in the log, in memory."""

    def __init__(self, path: str) -> None:
        self.values: dict[str, str] = {}
        whole = self.replay(path) if os.path.exists(path) else 0
        self.log = open(path, "ab")  # noqa: SIM115 (open for as long as the server runs)
        self.log.truncate(whole)  # what a crash left half written
        os.fsync(self.log.fileno())
        folder = os.open(os.path.dirname(path), os.O_RDONLY)
        os.fsync(folder)  # the log's name is on the disk, too
        os.close(folder)

    def replay(self, path: str) -> int:
        """Read the log up to the first damaged line; how many bytes that was."""
        whole = 0
        with open(path, "rb") as log:
            for line in log:
                checksum, _, change = line.rstrip(b"\n").partition(b" ")
                if not line.endswith(b"\n") or checksum != b"%08x" % zlib.crc32(change):
                    break
                key, value = change.decode().split(" ", 1)
                self.values[key] = value
                whole += len(line)
        return whole

    def set(self, key: str, value: str) -> None:
        change = f"{key} {value}".encode()
        self.log.write(b"%08x %s\n" % (zlib.crc32(change), change))
        self.log.flush()
        self.values[key] = value

    def answer(self, line: str) -> str:
        match line.split():
            case ["SET", key, value]:
                self.set(key, value)
                return "OK"
            case ["GET", key]:
                return f"VALUE {self.values[key]}" if key in self.values else "NONE"
            case ["KEYS"]:
                return " ".join(["VALUE", *self.values])
        return "ERROR expected SET key value, GET key or KEYS"


async def serve(store: Store, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while line := await reader.readline():
        writer.write(f"{store.answer(line.decode())}\n".encode())
        await writer.drain()
    writer.close()


async def main(address: str, port: str, path: str) -> None:
    store = Store(path)
    server = await asyncio.start_server(lambda reader, writer: serve(store, reader, writer), address, int(port))
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
