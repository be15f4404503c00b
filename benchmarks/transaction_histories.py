"""Long histories of transactions as JSON lines, written as fast as they are read: a strict serializable store's.

Each transaction takes effect in one moment between its invocation and its completion. One in a thousand is never
answered (and took effect), one in a hundred fails. A list gets 32 appends, a register 32 writes; then another key comes
into use. ``stale`` is the share of transactions with a read that misses what the last transaction wrote.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Final, Literal

CLIENTS: Final = 20
KEYS: Final = 8
WRITES_PER_KEY: Final = 32
MICROS_MAX: Final = 4
UNKNOWN, FAILED = 0.001, 0.01
Data = Literal["list", "register"]


def history_lines(data: Data, transactions: int, stale: float = 0.0, seed: int = 0) -> Iterator[str]:
    """The lines, without their ends."""
    random = Random(f"{data} {transactions} {seed}")
    store = _Lists() if data == "list" else _Registers()
    running: dict[int, str] = {}  # process -> what its completion will say
    idle, fresh, begun = list(range(CLIENTS)), CLIENTS, 0
    while begun < transactions or running:
        if idle and begun < transactions and random.random() < 0.5:
            process = idle.pop(random.randrange(len(idle)))
            outcome = random.random()
            asked = [store.drawn(random) for _ in range(random.randint(1, MICROS_MAX))]
            value = f'"f":"txn","value":[{",".join(store.asked(*micro) for micro in asked)}]}}'
            yield f'{{"type":"invoke","process":{process},{value}'
            running[process] = f'"{"info" if outcome < UNKNOWN else "fail"}","process":{process},{value}'
            if outcome <= 1 - FAILED:
                done = []
                for place, (key, written) in enumerate(asked):
                    own = any(each[0] == key and each[1] for each in asked[:place])
                    done.append(store.done(key, written, begun, missing=not own and random.random() < stale))
                if outcome >= UNKNOWN:
                    running[process] = f'"ok","process":{process},"f":"txn","value":[{",".join(done)}]}}'
            begun += 1
        elif running:
            process = random.choice(list(running))
            text = running.pop(process)
            yield f'{{"type":{text}'
            if text.startswith('"info"'):
                process, fresh = fresh, fresh + 1
            idle.append(process)


class _Lists:
    """Appends of 1, 2, ...; a list is kept as its text."""

    def __init__(self) -> None:
        self.appended = 0
        self.texts: dict[int, str] = {}
        self.shorter: dict[int, str] = {}  # without what the last transaction appended
        self.writers: dict[int, int] = {}

    def drawn(self, random: Random) -> tuple[int, int]:
        """A key, and the element to be appended, 0 for a read."""
        key = self.appended // (WRITES_PER_KEY * KEYS) * KEYS + random.randrange(KEYS)
        if random.random() < 0.5:
            return key, 0
        self.appended += 1
        return key, self.appended

    def asked(self, key: int, element: int) -> str:
        return f'["append",{key},{element}]' if element else f'["r",{key},null]'

    def done(self, key: int, element: int, transaction: int, *, missing: bool) -> str:
        text = self.texts.get(key, "")
        if not element:
            return f'["r",{key},[{self.shorter.get(key, "") if missing else text}]]'
        if self.writers.get(key) != transaction:
            self.shorter[key], self.writers[key] = text, transaction
        self.texts[key] = f"{text},{element}" if text else str(element)
        return f'["append",{key},{element}]'


class _Registers:
    """Writes of 1, 2, ..."""

    def __init__(self) -> None:
        self.written = 0
        self.values: dict[int, int] = {}
        self.former: dict[int, int | None] = {}  # before the last transaction that wrote it
        self.writers: dict[int, int] = {}

    def drawn(self, random: Random) -> tuple[int, int]:
        """A key, and the value to be written, 0 for a read."""
        key = self.written // (WRITES_PER_KEY * KEYS) * KEYS + random.randrange(KEYS)
        if random.random() < 0.5:
            return key, 0
        self.written += 1
        return key, self.written

    def asked(self, key: int, value: int) -> str:
        return f'["w",{key},{value}]' if value else f'["r",{key},null]'

    def done(self, key: int, value: int, transaction: int, *, missing: bool) -> str:
        if not value:
            read = (self.former if missing else self.values).get(key)
            return f'["r",{key},{"null" if read is None else read}]'
        if self.writers.get(key) != transaction:
            self.former[key], self.writers[key] = self.values.get(key), transaction
        self.values[key] = value
        return f'["w",{key},{value}]'
