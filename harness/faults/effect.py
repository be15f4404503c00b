"""Arithmetic on observations: what a fault did to the system's work, as differences of cumulative counters.

A node's counters start again at zero with each incarnation, and a node that is dead or stopped answers nothing. So a
difference between two observations counts what a node reports above its earlier figure, or all it reports if it has
been restarted in between; what a killed incarnation counted after its last answer is lost, which can only make an
effect look smaller.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from harness.cluster import Observation
from harness.fault import Effect

Pair = tuple[Observation, Observation]

SIGNALS: Final = ("net.refused", "net.closed", "net.timeout", "net.dropped_queue", "election")
"""Counters (and everything below them, as in ``election.won``) that tell of a message or a leader that was missed."""

WORDS: Final = {
    "net.refused": "refused",
    "net.closed": "connections closed",
    "net.timeout": "timed out",
    "net.dropped_queue": "messages given up",
    "election": "elections",
}

RECEIVED: Final = "net.received"
SENT: Final = "net.sent"

EXCESS: Final = 1.5
"""How far above the quiet rate the rate of signals must be. A system under load meets an odd timeout by itself."""

FEWER: Final = 2.0
"""So many times less than in the quiet stretch must others receive while a node is silent that only they heard from:
one that asks and is never asked, such as a replicator, is missed by nobody who would meet an error."""

RECEIVED_MIN: Final = 10
"""So many messages must others have received in the quiet stretch for their number to be compared."""

PAUSE_EDGES_S: Final = 0.3
"""Between the observations around a pause and the pause itself a node goes on receiving; for this long, generously."""


def dropped(pair: Pair) -> int:
    """Packets that our own rules threw away between the two observations, over all nodes."""
    return sum(_grown(pair[0].dropped.get(node, 0), count) for node, count in pair[1].dropped.items())


def _grown(before: int, after: int) -> int:
    """The growth of a counter that may have been reset to zero in between."""
    return after - before if after >= before else after


def seconds(pair: Pair) -> float:
    return max(0.0, (pair[1].time_ns - pair[0].time_ns) / 1e9)


def signals(pair: Pair, without: Collection[str] = ()) -> dict[str, int]:
    """Signal -> how often nodes other than ``without`` met it between the two observations."""
    totals = dict.fromkeys(SIGNALS, 0)
    for node, after in pair[1].counters.items():
        if node not in without:
            before = pair[0].counters.get(node, {}) if _same_incarnation(pair, node) else {}
            for name, count in after.items():
                if signal := _signal(name):
                    totals[signal] += _grown(before.get(name, 0), count)
    return totals


def grown(counter: str, pair: Pair) -> int:
    """By how much a counter of the nodes has grown between the two observations, over all nodes."""
    total = 0
    for node, after in pair[1].counters.items():
        before = pair[0].counters.get(node, {}) if _same_incarnation(pair, node) else {}
        total += _grown(before.get(counter, 0), after.get(counter, 0))
    return total


def _signal(counter: str) -> str | None:
    return next((name for name in SIGNALS if counter == name or counter.startswith(name + ".")), None)


def _same_incarnation(pair: Pair, node: str) -> bool:
    return pair[0].incarnations.get(node) == pair[1].incarnations.get(node)


def rate(count: int, pair: Pair) -> float:
    """``count`` per second of the pair; 0.0 for a pair without duration."""
    return count / seconds(pair) if seconds(pair) > 0 else 0.0


def steady(pair: Pair, nodes: Collection[str]) -> bool:
    """Whether each node answered at both ends of a real stretch of time, as the same incarnation."""
    return seconds(pair) > 0 and all(
        node not in pair[0].unanswered and node not in pair[1].unanswered and _same_incarnation(pair, node)
        for node in nodes
    )


def judge_drops(quiet: Pair, window: Pair) -> Effect:
    """A partition bit if it threw packets away. Only our rules are counted, and they name only cluster traffic."""
    count, outside = dropped(window), dropped(quiet)
    measured = {"packets_dropped": float(count), "packets_dropped_quiet": float(outside)}
    if count:
        explanation = f"{count} packets of the system's own traffic were dropped"
    else:
        explanation = "no packet was dropped: nothing was sent over the links that were cut"
    return Effect(count > 0, measured, explanation, absent_outside=outside == 0 and seconds(quiet) > 0)


def met(fault: str, pair: Pair) -> int:
    """How often our own means touched the system's work in the name of ``fault`` between the two observations, over
    all nodes. The harness keeps these counts, so they outlive a node's incarnations."""
    before, after = pair[0].met, pair[1].met
    return sum(counts.get(fault, 0) - before.get(node, {}).get(fault, 0) for node, counts in after.items())


def judge_met(fault: str, quiet: Pair, window: Pair, noun: str) -> Effect:
    """A fault whose every touch is counted (``Observation.met``) bit if there was one. ``noun`` is what was touched, in
    the plural: "messages delayed"."""
    count, outside = met(fault, window), met(fault, quiet)
    name = noun.replace(" ", "_")
    explanation = f"{noun}: {count}" if count else f"{noun}: none; the system's work never met the fault"
    measured = {name: float(count), f"{name}_quiet": float(outside)}
    return Effect(count > 0, measured, explanation, absent_outside=outside == 0 and seconds(quiet) > 0)


def late(nodes: Collection[str], received: Mapping[str, int], quiet: Pair, window: Pair) -> int:
    """Messages that reached paused nodes only after the pause: what they had ``received`` once resumed, less what they
    had before it, less what they would have received around the pause at the quiet rate."""
    total = 0
    for node in nodes:
        before = window[0].counters.get(node, {}).get(RECEIVED, 0)
        usual = _received(quiet[1], node) - _received(quiet[0], node)
        total += max(0, received.get(node, 0) - before - round(PAUSE_EDGES_S * rate(max(0, usual), quiet)) - 1)
    return total


def _received(observation: Observation, node: str) -> int:
    return observation.counters.get(node, {}).get(RECEIVED, 0)


def _fewer(nodes: Collection[str], cluster: Collection[str], quiet: Pair, window: Pair) -> tuple[bool, float, float]:
    """Whether the others, those that answered all the time, received clearly less in the window than in the quiet
    stretch, for want of what the nodes used to send; and how many messages a second that was, in both.

    What the nodes had sent must make up half of what is missing: where the load has ended, all receive less.
    """
    others = [node for node in cluster if node not in nodes and steady(quiet, [node]) and steady(window, [node])]
    inside = rate(sum(_counted(RECEIVED, window, node) for node in others), window)
    outside = rate(sum(_counted(RECEIVED, quiet, node) for node in others), quiet)
    sent = rate(sum(_counted(SENT, quiet, node) for node in nodes if steady(quiet, [node])), quiet)
    enough = outside * seconds(quiet) >= RECEIVED_MIN
    return enough and outside > FEWER * inside and sent >= (outside - inside) / 2, inside, outside


def _counted(counter: str, pair: Pair, node: str) -> int:
    before, after = (seen.counters.get(node, {}).get(counter, 0) for seen in pair)
    return after - before


def judge_absence(
    nodes: Collection[str], verb: str, cluster: Collection[str], quiet: Pair, window: Pair, messages_late: int = 0
) -> Effect:
    """Killed or paused nodes (``verb`` says which) bit if they were silent at the end of the window and messages to
    them came late, or others met refusals, closed connections, timeouts or elections clearly more often than in the
    quiet stretch.

    Where no other node was left there is nobody to count, and nobody to serve: silence is then the effect itself.
    """
    silent = all(node in window[1].unanswered for node in nodes)
    inside, outside = signals(window, without=nodes), signals(quiet, without=nodes)
    inside_hz, outside_hz = rate(sum(inside.values()), window), rate(sum(outside.values()), quiet)
    alone = set(cluster) <= set(nodes)
    missed = inside_hz > 0 and inside_hz > EXCESS * outside_hz
    fewer, heard_hz, usual_hz = _fewer(nodes, cluster, quiet, window)
    bit = silent and (alone or missed or fewer or messages_late > 0)
    measured = {
        f"nodes_{verb}": float(len(nodes)),
        **{_word(name): float(count) for name, count in inside.items()},
        **({"messages_late": float(messages_late)} if verb == "paused" else {}),
        "signals_hz": round(inside_hz, 3),
        "signals_quiet_hz": round(outside_hz, 3),
        "received_hz": round(heard_hz, 3),
        "received_quiet_hz": round(usual_hz, 3),
    }
    met = [f"{WORDS[name]} {count}" for name, count in inside.items() if count and missed]
    met += [f"messages to them that came late {messages_late}"] if messages_late else []
    met += [f"{heard_hz:.1f} messages a second, {usual_hz:.1f} before"] if fewer else []
    return Effect(bit, measured, _absence(verb, silent, alone, met), absent_outside=steady(quiet, nodes))


def _word(signal: str) -> str:
    return signal.removeprefix("net.")


def _absence(verb: str, silent: bool, alone: bool, met: Collection[str]) -> str:
    if not silent:
        return f"a node that was {verb} still answered at the end of the window"
    if alone:
        return f"all nodes were {verb}; nobody was left to answer"
    if met:
        return f"the nodes were {verb}, and others met: " + ", ".join(met)
    return f"the nodes were {verb}, but nobody missed them more than usual"


def summary(effects: Collection[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Per fault what ``run --json`` prints: name, times applied, whether any application bit, and the sums of what was
    measured; and how often it was ``refused``, if it was. ``effects`` are the lines of ``faults.jsonl``
    (``Nemesis.effects``)."""
    result: dict[str, dict[str, Any]] = {}
    for entry in effects:
        line = result.setdefault(entry["fault"], {"name": entry["fault"], "applied": 0, "bit": False, "effect": {}})
        line["applied"] += entry["applied"]
        if "refused" in entry:
            line["refused"] = line.get("refused", 0) + 1
        line["bit"] = line["bit"] or entry["bit"]
        for name, figure in entry["effect"]["measured"].items():
            if not name.endswith(("_hz", "_quiet")):
                line["effect"][name] = line["effect"].get(name, 0) + figure
    return list(result.values())
