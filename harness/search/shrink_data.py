"""A plan as a few lines of data: what is as usual is left out, and every fault and operation has a line of its own.

``harness.plan.Plan.from_json`` reads it and fills in the rest.
"""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from typing import Any, Final

from harness.plan import SCHEMA, Plan

_ALWAYS: Final = ("system", "workload", "provider", "nodes", "concurrency", "time_limit_s", "seed")
"""Written even where they are as usual: what a run depends on should not change with a default."""


def brief_json(plan: Plan) -> dict[str, Any]:
    """The plan without what is as usual."""
    data: dict[str, Any] = {"schema": SCHEMA}
    for field in fields(plan):
        value = getattr(plan, field.name)
        if field.name in ("schedule", "operations"):
            continue
        if field.name in _ALWAYS or value != _usual(field):
            data[field.name] = list(value) if isinstance(value, tuple) else value
    return {**data, **_lists(plan)}


def _lists(plan: Plan) -> dict[str, list[dict[str, Any]]]:
    lists = {"schedule": [_entry(entry) for entry in plan.schedule]} if plan.schedule else {}
    if plan.operations is not None:
        lists["operations"] = [_entry(operation) for operation in plan.operations]
    return lists


def _entry(entry: Any) -> dict[str, Any]:
    values = {field.name: (getattr(entry, field.name), _usual(field)) for field in fields(entry)}
    return {name: value for name, (value, usual) in values.items() if value != usual}


def _usual(field: Any) -> Any:
    """The default; a value that equals nothing where there is none."""
    if field.default is not MISSING:
        return field.default
    return field.default_factory() if field.default_factory is not MISSING else MISSING


def text(plan: Plan) -> str:
    """The plan as a file: JSON, one line per field, fault and operation."""
    lines = [f"  {json.dumps(name)}: {_value(value)}" for name, value in brief_json(plan).items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _value(value: Any) -> str:
    if isinstance(value, list) and value and all(isinstance(entry, dict) for entry in value):
        return "[\n" + ",\n".join(f"    {json.dumps(entry)}" for entry in value) + "\n  ]"
    return json.dumps(value)
