"""Lines of a history in one line each, for the tests of checkers."""

from __future__ import annotations

from typing import Any

from harness.history import Op


def call(
    process: int, f: str, argument: Any = None, result: Any = None, outcome: str = "ok", key: Any = None, **extra: Any
) -> list[Op]:
    """An invocation and its completion, whose value is the argument unless ``result`` says otherwise."""
    value = argument if result is None else result
    return [
        Op("invoke", process, f, argument, key=key),
        Op(outcome, process, f, value, key=key, extra=extra or None),  # type: ignore[arg-type]
    ]


def concurrent(*calls: list[Op]) -> list[Op]:
    """The calls all at once: first all invocations, then the completions from the last to the first."""
    return [each[0] for each in calls] + [each[1] for each in reversed(calls)]
