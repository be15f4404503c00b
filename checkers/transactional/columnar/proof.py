"""The commit order that proves a level of a large history of lists: ``checkers.transactional.proof`` by arrays."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Final

import numpy as np

from checkers.guard import OutOfTimeError
from checkers.transactional.columnar import edges
from checkers.transactional.columnar.verdict import Examined
from checkers.transactional.commit_order import CommitOrder
from checkers.transactional.decide import Scene
from checkers.transactional.graph import KIND_BITS, KIND_MASK, WW
from checkers.transactional.lattice import MODELS, Family, Model
from checkers.transactional.pattern import COMMIT, SNAPSHOT, automaton
from checkers.transactional.proof import first_of_tails, kinds_of, places
from checkers.transactional.proof import proof as plain_proof
from checkers.transactional.tail import ORDER_MATTERS, arranged
from checkers.transactional.verdict import Verdicts, settled
from harness.columns import APPEND

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Shorts = NDArray[np.int32]

_ALL: Final = (1 << 6) - 1


def proof(found: Verdicts, model: Model) -> CommitOrder:
    """The level must hold, and the history be large. Raises :class:`checkers.guard.OutOfTimeError`."""
    large = found.large
    assert isinstance(large, Examined), "a large history was examined"
    if large.deadline is not None and monotonic() > large.deadline:
        raise OutOfTimeError("its commit order was to be made")
    serial = next(each for each in MODELS.values() if each.family is Family.ANY and each.order is model.order)
    if found.of(serial) is True:
        invokes, objection = large.serial(model.order)
        assert objection is None, f"the serial order does not explain the history: {objection}"
        return CommitOrder(invokes.tolist())
    if model.family is Family.WRITES and settled(found, model.order) is not found:
        return plain_proof(found, model)  # without some that the reads show: rare, and another graph
    sources, codes = _edges(found, large, model)
    nodes = len(large.firsts) - 1
    if model.family in (Family.PREFIX, Family.SNAPSHOT):
        return _with_snapshots(large, model, sources, codes, nodes)
    order, rest = edges.peeled(*edges.by_source(sources, codes, nodes), _ALL)
    assert not len(rest), f"{model.name} holds, and the commits have a cycle"
    committed = large.listed.committed
    order = order[order < len(committed)]
    return CommitOrder(large.listed.reading.invokes[order[committed[order] != 0]].tolist())


def _edges(found: Verdicts, large: Examined, model: Model) -> tuple[Shorts, Shorts]:
    """Those that bind the level, as sources and codes, with what follows about appends that nobody read."""
    nodes = len(large.firsts) - 1
    sources = np.repeat(np.arange(nodes, dtype=np.int32), np.diff(large.firsts))
    bits = sum(1 << kind for kind in kinds_of(model))
    kept = (bits >> (large.codes & KIND_MASK) & 1) != 0
    if model.family is Family.UPDATE:
        did = large.listed.did
        writes = np.ones(nodes, np.bool_)
        writes[: len(large.listed.committed)] = np.bincount(
            did.owners[did.acts == APPEND], minlength=len(large.listed.committed)
        ) > 0  # fmt: skip
        kept &= writes[sources]
    pairs = np.empty((0, 2), np.int32)
    if model.family in ORDER_MATTERS:
        pairs = _arranged(found, large, model)
    elif model.family is Family.CURSOR:
        pairs = np.array([*first_of_tails(large.inference)], np.int32).reshape(-1, 2)
    more = (pairs[:, 1] << KIND_BITS | WW).astype(np.int32)
    return (np.concatenate([sources[kept], pairs[:, 0]]).astype(np.int32),
            np.concatenate([large.codes[kept], more]).astype(np.int32))  # fmt: skip


def _arranged(found: Verdicts, large: Examined, model: Model) -> Shorts:
    """Of each list's appends that nobody read, each with the next one."""
    lists = large.listed.lists
    sizes = np.diff(lists.tail_firsts)
    if not (sizes > 1).any():
        return np.empty((0, 2), np.int32)
    nodes = len(large.firsts) - 1
    inside = np.zeros(nodes, np.int32)
    for scene in found.scenes:
        for node, place in places(scene, arranged(scene, model.family, model.order)).items():
            inside[node] = place
    rank = _ranks(large, found.scenes)
    keys = np.repeat(np.arange(len(sizes)), sizes)
    by = np.lexsort((inside[lists.tails], rank[lists.tails], keys))
    tails, of_key = lists.tails[by], keys[by]
    same = of_key[1:] == of_key[:-1]
    return np.stack([tails[:-1][same], tails[1:][same]], axis=1).astype(np.int32)


def _ranks(large: Examined, scenes: list[Scene]) -> Shorts:
    """Of each node of the graph its component's place in an order of the components."""
    nodes = len(large.firsts) - 1
    leader = np.arange(nodes, dtype=np.int32)
    for scene in scenes:
        leader[scene.part.nodes] = scene.part.nodes[0]
    sources = leader[np.repeat(np.arange(nodes, dtype=np.int32), np.diff(large.firsts))]
    targets = leader[large.codes >> KIND_BITS]
    apart = sources != targets
    codes = (targets[apart] << KIND_BITS | WW).astype(np.int32)
    order, rest = edges.peeled(*edges.by_source(sources[apart], codes, nodes), _ALL)
    assert not len(rest), "components have no cycle"
    rank = np.empty(nodes, np.int32)
    rank[order] = np.arange(nodes, dtype=np.int32)
    return rank[leader]


def _with_snapshots(large: Examined, model: Model, sources: Shorts, codes: Shorts, nodes: int) -> CommitOrder:
    """A schedule of two events per transaction: its snapshot, 2n + 1, and its commit, 2n."""
    walk = automaton(model.family, model.order)
    all_nodes = np.arange(nodes, dtype=np.int32)
    from_, to = [2 * all_nodes + SNAPSHOT], [2 * all_nodes + COMMIT]
    for state in (COMMIT, SNAPSHOT):
        for kind, arrival in walk[state].items():
            these = codes & KIND_MASK == kind
            from_.append(2 * sources[these] + state)
            to.append(2 * (codes[these] >> KIND_BITS) + arrival)
    events = (np.concatenate(to) << KIND_BITS | WW).astype(np.int32)
    schedule, rest = edges.peeled(*edges.by_source(np.concatenate(from_).astype(np.int32), events, 2 * nodes), _ALL)
    assert not len(rest), f"{model.name} holds, and its schedule has a cycle"
    committed = np.zeros(nodes, np.bool_)
    committed[: len(large.listed.committed)] = large.listed.committed != 0
    schedule = schedule[committed[schedule >> 1]]
    commits = schedule & 1 == COMMIT
    shown = np.empty(nodes, np.int64)
    shown[schedule >> 1] = 0
    before = np.cumsum(commits)
    shown[schedule[~commits] >> 1] = before[~commits]
    order = schedule[commits] >> 1
    return CommitOrder(large.listed.reading.invokes[order].tolist(), shown[order].tolist())
