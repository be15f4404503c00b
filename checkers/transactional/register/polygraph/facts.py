"""Who wrote and who read each version of each register, by numbers: made once per history, shared by all levels."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf

from checkers.transactional.graph import KIND_BITS
from checkers.transactional.lattice import Family, Order
from checkers.transactional.register.history import INITIAL, RegisterHistory


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """A *version* is what one transaction left in one register, or what was there at the beginning (the writer is then
    INITIAL). ``registers[v]``, ``writers[v]`` and ``readers[v]`` are about version v, each reader once;
    ``initial[k]`` is the first version of register k. Of transaction t, ``reads[t]`` are the versions that
    it read and ``writes[t]`` those that it wrote; ``began[t]`` and ``ended[t]`` are positions in the history."""

    history: RegisterHistory
    registers: list[int]
    writers: list[int]
    readers: list[list[int]]
    initial: list[int]
    reads: list[list[int]]
    writes: list[list[int]]
    began: list[int]
    ended: list[float]
    _orders: dict[Order, list[list[int]]] = field(default_factory=dict)

    def successors(self, order: Order) -> list[list[int]]:
        """To which transactions and joints the order leads from each; every guess is asked with the same ones."""
        if order not in self._orders:
            graph = self.history.order(order)
            self._orders[order] = [[edge >> KIND_BITS for edge in edges] for edges in graph.successors]
        return self._orders[order]

    def __len__(self) -> int:
        return len(self.reads)

    def end(self, register: int) -> int:
        """Behind the last version of the register."""
        return self.initial[register + 1] if register + 1 < len(self.initial) else len(self.writers)

    def pairs(self) -> int:
        """How many pairs of writes there are, each of one register."""
        counts = (self.end(register) - first - 1 for register, first in enumerate(self.initial))
        return sum(count * (count - 1) // 2 for count in counts)

    def binds(self, family: Family, reader: int, version: int) -> bool:
        """Whether what the reader of that version missed comes after it (rw) on every path of the family, not only on
        those with a single rw: for cursors, that of registers it wrote, too; for updates, that of writers."""
        if family is Family.ONE_RW:
            return False
        if family is Family.UPDATE:
            return bool(self.writes[reader])
        if family is Family.CURSOR:
            register = self.registers[version]
            return any(self.registers[each] == register for each in self.writes[reader])
        return True

    def single(self, family: Family, reader: int) -> bool:
        """Whether what the reader missed must not lead back to it by a path without another such rw."""
        return family is Family.ONE_RW or (family is Family.UPDATE and not self.writes[reader])


def facts(history: RegisterHistory) -> Facts:
    """Numbered anew: versions by register, the initial one first, then those of the writers."""
    registers: list[int] = []
    writers: list[int] = []
    readers: list[list[int]] = []
    initial: list[int] = []
    reads: list[list[int]] = [[] for _ in range(len(history))]
    writes: list[list[int]] = [[] for _ in range(len(history))]
    for number, register in enumerate(history.registers):
        first = len(writers)
        initial.append(first)
        registers.extend([number] * (len(register.writers) + 1))
        writers.append(INITIAL)
        writers.extend(register.writers)
        readers.extend([] for _ in range(len(register.writers) + 1))
        of_writer = {INITIAL: first}
        for version, writer in enumerate(register.writers, first + 1):
            of_writer[writer] = version
            writes[writer].append(version)
        for reader, writer, _ in register.reads:
            version = of_writer[writer]
            listed = readers[version]
            if not listed or listed[-1] != reader:
                listed.append(reader)
    _once(readers, reads)
    began = [each.invoke for each in history.transactions]
    ended = [inf if each.complete is None else each.complete for each in history.transactions]
    return Facts(history, registers, writers, readers, initial, reads, writes, began, ended)


def _once(readers: list[list[int]], reads: list[list[int]]) -> None:
    for version, listed in enumerate(readers):
        if len(listed) > 1:
            listed[:] = dict.fromkeys(listed)
        for reader in listed:
            reads[reader].append(version)
