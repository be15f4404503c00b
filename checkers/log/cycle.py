"""Circles of operations that polled each other's messages (Adya 1999, G1c; as Jepsen asks Elle for them)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from checkers.log.partition import Partition, Scene, who
from checkers.log.reading import Operation
from checkers.transactional.cycle import Edge, parts, peeled, shortest_walk
from checkers.transactional.graph import PROCESS, REALTIME, WR, WW, Graph, add_completion_order, add_sessions
from checkers.transactional.lattice import Family, Order
from checkers.transactional.pattern import automaton
from checkers.transactional.transaction import Transaction
from harness.result import Anomaly

G1C: Final = "G1c"
_TOLD_MAX: Final = 8
_ORDERS: Final = ((Order.NONE, ""), (Order.SESSION, "-process"), (Order.REALTIME, "-realtime"))


def circle(scene: Scene, deadline: float | None) -> Iterator[Anomaly]:
    """One shortest circle of who polled whose messages, with no more of the order of time than it needs."""
    committed = [each for each in scene.transfers() if each.call.outcome != "fail"]
    graph, nodes = Graph(len(committed)), [_node(number, each) for number, each in enumerate(committed)]
    _add_polls(scene, committed, graph)
    add_sessions(graph, nodes)
    add_completion_order(graph, nodes, REALTIME)
    found = parts(graph, peeled(graph)[1], nodes, deadline)
    for order, suffix in _ORDERS:
        walk = automaton(Family.DEPENDENCIES, order)
        cycles = [each for each in (shortest_walk(part, walk) for part in found) if each is not None]
        if cycles:
            best = min(cycles, key=lambda cycle: len(cycle.edges))
            yield _told(scene, committed, best.edges, G1C + suffix)
            return


def allowed_circles(scene: Scene, deadline: float | None) -> dict[str, int]:
    """How many groups of operations hang together in circles of the order of messages: "G0", and "G1c-ww" with polls.

    Kafka's transactions do not isolate writes, so that these are no anomalies."""
    committed = [each for each in scene.transfers() if each.call.outcome != "fail"]
    counts = {}
    for name, with_polls in (("G0", False), ("G1c-ww", True)):
        graph, nodes = Graph(len(committed)), [_node(number, each) for number, each in enumerate(committed)]
        _add_versions(scene, committed, graph)
        if with_polls:
            _add_polls(scene, committed, graph)
        if found := parts(graph, peeled(graph)[1], nodes, deadline):
            counts[name] = len(found)
    return counts


def _node(number: int, each: Operation) -> Transaction:
    """As the search of cycles knows it."""
    call = each.call
    complete = call.complete if call.outcome == "ok" else None
    process = call.process if isinstance(call.process, int) else -1
    return Transaction(number, call.invoke, complete, process, process, call.outcome, {}, ())


def _add_polls(scene: Scene, committed: Sequence[Operation], graph: Graph) -> None:
    """From the sender of a message to each ok operation that polled it, where there is one sender."""
    numbers = {each.call.invoke: number for number, each in enumerate(committed)}
    for number, each in enumerate(committed):
        if each.call.outcome != "ok":
            continue
        senders = dict.fromkeys(
            numbers[sender.call.invoke]
            for message in each.all_polled
            if (sender := _sender(scene.partitions[message.partition], message.value)) is not None
        )
        for sender_number in senders:
            if sender_number != number:
                graph.add(sender_number, number, WR)


def _sender(partition: Partition, value: int) -> Operation | None:
    senders = partition.senders.get(value, ())
    return senders[0] if len(senders) == 1 else None


def _add_versions(scene: Scene, committed: Sequence[Operation], graph: Graph) -> None:
    numbers = {each.call.invoke: number for number, each in enumerate(committed)}
    for partition in scene.partitions.values():
        last = None
        for offset in partition.offsets:
            for value in partition.at[offset]:
                sender = _sender(partition, value) if partition.place(value) is not None else None
                if sender is None:
                    continue
                number = numbers[sender.call.invoke]
                if last is not None and last != number:
                    graph.add(last, number, WW)
                last = number


def _told(scene: Scene, committed: Sequence[Operation], edges: Sequence[Edge], type_: str) -> Anomaly:
    texts = [_edge(scene, committed[edge.source], committed[edge.target], edge.kind) for edge in edges]
    more = [f"and {len(texts) - _TOLD_MAX} more"] if len(texts) > _TOLD_MAX else []
    text = f"{'; '.join([*texts[:_TOLD_MAX], *more])}: none of these {len(edges)} can have come first."
    calls = [committed[edge.source].call for edge in edges]
    halves = (half for call in calls for half in (call.invoke, call.complete))
    operations = tuple(dict.fromkeys(half for half in halves if half is not None))
    names = {WR: "wr", PROCESS: "process", REALTIME: "realtime"}
    details = {"edges": [{"from": committed[edge.source].call.invoke, "to": committed[edge.target].call.invoke,
                          "type": names[edge.kind]} for edge in edges]}  # fmt: skip
    return Anomaly(type_, operations, text, details)


def _edge(scene: Scene, source: Operation, target: Operation, kind: int) -> str:
    if kind == REALTIME:
        return f"{who(source)} had completed (op {source.call.complete}) before {who(target)} began"
    if kind == PROCESS:
        return f"{who(source)} came before {who(target)} in their process"
    sent = {(message.partition, message.value) for message in source.all_sent}
    message = next(each for each in target.all_polled if (each.partition, each.value) in sent)
    return (
        f"{who(target)} polled {scene.show(message.value)} of partition {message.partition}, which {who(source)} sent"
    )
