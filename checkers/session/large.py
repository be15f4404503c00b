"""Decisions for a million operations: numpy looks at all keys, and what it points at is looked at closely."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from checkers.session.count import Counts
from checkers.session.decide import Decision, Tick, decide, examined
from checkers.session.operation import NilReads
from checkers.session.scene import Scene, scene_of
from checkers.session.violation import PRAM
from harness.history import INVOKE, History

if TYPE_CHECKING:
    from checkers.session.columnar import Look, Table
    from checkers.session.columnar_views import Views

_TOLD_MAX: Final = 4  # broken keys that are looked at for their story, per guarantee
CLOSER_MAX: Final = 0.3


@dataclass(frozen=True, slots=True)
class Findings:
    """What was decided of each guarantee, and all counts. ``scene`` has what was looked at closely, at least."""

    scene: Scene
    decisions: Mapping[str, Decision]
    counts: Mapping[str, Counts]
    totals: Mapping[str, int]


def decide_large(
    history: History,
    names: Sequence[str],
    nil_reads: NilReads,
    tick: Tick,
    *,
    versions: bool,
    closer_max: float = CLOSER_MAX,
) -> Findings | None:
    """None if the history is not large, has more than numpy has a word for, or has more than that share of operations
    which are to be looked at closely: then all are."""
    columns = history.columns
    if columns is None:
        return None
    from checkers.session import columnar, columnar_views

    table = columnar.table_of(columns, nil_is_value=nil_reads == "value", versions=versions)
    if table is None:
        return None
    tick()
    views = columnar_views.views_of(table) if PRAM in names else None
    if PRAM in names and views is None:
        return None
    groups = columnar.groups_of(table)
    looks = {name: columnar.look(table, groups, name) for name in names if name != PRAM}
    tick()
    lines = columnar.invocations(table, _keys(table, looks, views))
    if len(lines) > closer_max * history.types.count(INVOKE):
        return None
    scene = scene_of(history, None, nil_reads, versions=versions, invocations=lines)
    closely = examined(scene, tick)
    decisions = {name: decide(closely, name, tick) for name in names}
    if views is not None and not views.exact and len(views.broken) and not decisions[PRAM].violations:
        doubtful = {f"process {table.sessions[session]}" for session in _first(table, views)}
        whole = examined(scene_of(history, None, nil_reads, versions=versions), tick)
        decisions[PRAM] = decide(whole, PRAM, tick, doubtful)
        if decisions[PRAM].violations:  # their stories need all of it
            scene = whole.scene
            decisions |= {name: decide(whole, name, tick) for name in looks}
    counts = {name: _counts(table, look, scene, decisions[name]) for name, look in looks.items()}
    if views is not None:
        counts[PRAM] = _views(table, views, scene, decisions[PRAM])
    return Findings(scene, decisions, {name: counts[name] for name in names}, _totals(table))


def _keys(table: Table, looks: Mapping[str, Look], views: Views | None) -> set[int]:
    """The keys to look at closely, and for each guarantee a few whose story is to be told."""
    keys: set[int] = set()
    for look in looks.values():
        keys.update(look.closer.tolist())
        keys.update(list(dict.fromkeys(look.keys[:1_000].tolist()))[:_TOLD_MAX])
        keys.update(() if look.doubtful is None else (look.doubtful,))
    if views is not None:
        for read, because in _first(table, views).values():
            keys.update(int(table.r_key[row]) for row in (read, because) if row >= 0)
    return keys


def _counts(table: Table, look: Look, scene: Scene, decision: Decision) -> Counts:
    """What numpy counted, and what was counted of the keys that it has no word for."""
    assert decision.violations or not len(look.keys), "what was seen from afar is not there at a closer look"
    assert decision.reason is not None or decision.violations or look.doubtful is None, "a doubt that was none"
    closer = {_key(table, key) for key in look.closer.tolist()}
    counts = Counts().take_all(scene, (each for each in decision.violations if each.key in closer))
    _add(table, counts, look.sessions.tolist(), look.keys.tolist())
    if len(look.behind):
        at = int(look.behind.argmax())
        counts.stale(int(look.behind[at]), int(look.lines[at]))
        times = table.columns.times
        lags = times[look.lines] - times[look.since]
        lags[(times[look.lines] < 0) | (times[look.since] < 0)] = -1
        at = int(lags.argmax())
        if lags[at] >= 0:
            counts.late(int(lags[at]), int(look.lines[at]))
    return counts


def _add(table: Table, counts: Counts, sessions: Sequence[int], keys: Sequence[int]) -> None:
    counts.sessions.update(f"process {table.sessions[session]}" for session in sessions)
    counts.keys.update(_key(table, key) for key in keys)


def _views(table: Table, views: Views, scene: Scene, decision: Decision) -> Counts:
    """The first broken read of each session, as the closer look counts."""
    if not views.exact:
        return Counts().take_all(scene, decision.violations)
    assert decision.violations or not len(views.broken), "what was seen from afar is not there at a closer look"
    counts, first = Counts(), _first(table, views)
    _add(table, counts, list(first), [int(table.r_key[read]) for read, _ in first.values()])
    return counts


def _first(table: Table, views: Views) -> dict[int, tuple[int, int]]:
    """Each session's first broken read, and why it is."""
    found: dict[int, tuple[int, int]] = {}
    order = table.r_line[views.broken].argsort()
    for read, because in zip(views.broken[order].tolist(), views.because[order].tolist(), strict=True):
        found.setdefault(int(table.r_session[read]), (read, because))
    return found


def _key(table: Table, key: int) -> Any:
    return None if key == 0 else table.columns.key_names[key - 1]


def _totals(table: Table) -> dict[str, int]:
    keys = {*table.w_key.tolist(), *table.r_key.tolist()}
    return {"sessions": len(table.sessions), "keys": len(keys), "reads": len(table.r_line), "writes": len(table.w_line)}
