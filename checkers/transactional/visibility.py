"""Reads that miss part of what they depend on: fractured reads, views that go backwards, and lost updates.

These are cycles of two transactions, but which edges count depends on the lists and not only on the edges' kinds.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Final

from checkers.transactional.cycle import Cycle, Edge, Part
from checkers.transactional.graph import PROCESS, REALTIME, RW, WR, WW
from checkers.transactional.lattice import Order
from checkers.transactional.transaction import Atom, Transaction
from checkers.transactional.version_order import Inference

FRACTURED_READ: Final = "fractured-read"
MONOTONIC: Final = "G-monotonic"
CURSOR: Final = "G-cursor"
LOST_UPDATE: Final = "lost-update"


@dataclass(slots=True)
class Places:
    """Where each transaction's elements stand: ``first[key][writer]``, ``end[key][writer]`` (behind the last one;
    infinite for what nobody read), and ``reads[reader]``: (place in the transaction, key, elements seen)."""

    first: Mapping[Atom, Mapping[int, float]]
    end: Mapping[Atom, Mapping[int, float]]
    reads: Mapping[int, Sequence[tuple[int, Atom, int]]]
    writers: Mapping[Atom, Sequence[int]]


def places(inference: Inference, part: Part) -> Places:
    """Of the transactions of one part."""
    members = set(part.numbers)
    keys = {key for number in members for key in inference.transactions[number].appends}
    keys |= {read.key for number in members for read in inference.transactions[number].reads}
    first: dict[Atom, dict[int, float]] = {}
    end: dict[Atom, dict[int, float]] = {}
    reads: dict[int, list[tuple[int, Atom, int]]] = {}
    for key in keys:
        versions = inference.versions[key]
        first[key], end[key] = {}, {}
        for place, writer in enumerate(versions.writers):
            first[key].setdefault(writer, place)
            end[key][writer] = place + 1
        for writer in versions.tail:
            first[key].setdefault(writer, inf)
            end[key][writer] = inf
        for reader, seen, place in versions.reads:
            if reader in members:
                reads.setdefault(reader, []).append((place, key, seen))
    return Places(first, end, reads, {key: inference.versions[key].writers for key in keys})


def fractured(inference: Inference, part: Part, found: Places) -> Cycle | None:
    """A read of one version of a transaction, and beside it one without another of its versions."""
    for reader, reads in found.reads.items():
        for _, key, seen in reads:
            writer = found.writers[key][seen - 1] if seen else reader
            if writer != reader and _missed(found, inference.transactions[writer], reads):
                return Cycle((Edge(writer, reader, WR), Edge(reader, writer, RW)))
    return None


def backwards(inference: Inference, part: Part, found: Places) -> Cycle | None:
    """A read without a version of a transaction on which an earlier read depends."""
    for reader, reads in found.reads.items():
        for place, key, seen in reads:
            writer = found.writers[key][seen - 1] if seen else reader
            later = [each for each in reads if each[0] > place]
            if writer != reader and _missed(found, inference.transactions[writer], later):
                return Cycle((Edge(writer, reader, WR), Edge(reader, writer, RW)))
    return None


def _missed(found: Places, writer: Transaction, reads: Sequence[tuple[int, Atom, int]]) -> bool:
    return any(key in writer.appends and seen < found.end[key].get(writer.number, 0) for _, key, seen in reads)


def missed_earlier(inference: Inference, part: Part, found: Places, order: Order) -> Cycle | None:
    """A read without a version of a transaction that came before: in the session, or in real time."""
    groups: dict[Hashable, list[Transaction]] = {}
    for number in part.numbers:
        transaction = inference.transactions[number]
        groups.setdefault(transaction.session if order is Order.SESSION else None, []).append(transaction)
    kind = PROCESS if order is Order.SESSION else REALTIME
    for members in groups.values():
        for earlier, reader in _missing(members, found):
            return Cycle((Edge(earlier, reader, kind), Edge(reader, earlier, RW)))
    return None


def _missing(members: Sequence[Transaction], found: Places) -> Iterator[tuple[int, int]]:
    """(earlier transaction, later one that misses it): one sweep over invocations and completions."""
    ends = sorted((each.complete, each.number) for each in members if each.complete is not None)
    by_number = {each.number: each for each in members}
    latest: dict[Atom, tuple[float, int]] = {}
    done = 0
    for reader in members:
        while done < len(ends) and ends[done][0] < reader.invoke:
            number = ends[done][1]
            done += 1
            for key in by_number[number].appends:
                latest[key] = max(latest.get(key, (0, -1)), (found.end[key].get(number, 0), number))
        for _, key, seen in found.reads.get(reader.number, ()):
            if key in latest and seen < latest[key][0]:
                yield latest[key][1], reader.number


def lost_update(inference: Inference, part: Part, found: Places) -> tuple[str, Cycle] | None:
    """A transaction that read a list and appended to it, another's append coming between: G-cursor; a lost update if
    the other had read the same version. Of several appends to the same version that nobody read, all but one are."""
    cursor: tuple[str, Cycle] | None = None
    at_end: dict[Atom, dict[int, None]] = {}
    for reader, reads in found.reads.items():
        for _, key, seen in reads:
            own = found.first[key].get(reader)
            if own is None or seen >= own:
                continue
            writers = found.writers[key]
            if seen < len(writers):
                cycle = Cycle((Edge(reader, writers[seen], RW), Edge(writers[seen], reader, WW)))
                if any(each == key and count == seen for _, each, count in found.reads.get(writers[seen], ())):
                    return LOST_UPDATE, cycle
                cursor = cursor or (CURSOR, cycle)
            else:
                others = at_end.setdefault(key, {})
                others[reader] = None
                if len(others) > 1:
                    first, second = list(others)[:2]
                    return LOST_UPDATE, Cycle((Edge(first, second, RW), Edge(second, first, RW)))
    return cursor


def first_of_tail(inference: Inference, part: Part, found: Places) -> dict[int, list[tuple[int, int]]]:
    """Edges that are forced where no update may be lost: who read the last version that anybody read, and appended the
    next one, comes before all others whose appends nobody read."""
    members = set(part.nodes)
    edges: dict[int, list[tuple[int, int]]] = {}
    for reader, reads in found.reads.items():
        for _, key, seen in reads:
            if found.first[key].get(reader) == inf and seen == len(found.writers[key]):
                tail = [each for each in inference.versions[key].tail if each != reader and each in members]
                edges.setdefault(reader, []).extend((each, WW) for each in tail)
    return edges
