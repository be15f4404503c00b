"""Linearizability: every operation seems to take effect at one moment between its call and its answer.

``check`` reads the history object by object (``operation``), each a copy of a ``model`` (by name in ``models``), and
decides it (``decide`` says in which order): where values are distinct by a polynomial method (``distinct``); registers
by two searches in turn, over what may come next (``problem``, ``search``) and over what somebody sees (``sweep``), and,
where these would take too long, by z3 from one quiescent moment to the next (``symbolic``); queues by laying puts and
takes side by side (``tracks``); all else by two general searches in turn (``schedule``, ``walk``, ``just_in_time``).
None is believed on its word: a valid verdict comes with a linearization that ``certificate`` replays on the model, an
invalid one with a small set of operations (``witness``) that is decided again on its own, by ``brute`` force too where
that is small enough, and told in words (``explain``).

Of a large history all that polynomial methods can decide is decided on its columns at once (``columnar``), objects are
made only of the rest; and where many keys need a search, several processes share them (``judgement``, ``workers``).

Unknown outcomes are first-class: an operation that ended in "info", or not at all, may take effect at any time after
its invocation, or never. One that failed certainly did not, and a read without an answer constrains nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from checkers.linearizable.models import MODELS, model_of

if TYPE_CHECKING:
    from checkers.linearizable.verdict import ANOMALY, EXPECT, check

__all__ = ["ANOMALY", "EXPECT", "MODELS", "check", "model_of"]


def __getattr__(name: str) -> Any:
    # What decides is imported when there is something to decide: the names of models are asked for without.
    if name in ("ANOMALY", "EXPECT", "check"):
        return getattr(import_module("checkers.linearizable.verdict"), name)
    raise AttributeError(f"module {__name__!r} has no {name!r}")
