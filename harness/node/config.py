"""What one node is told when it starts: a JSON file that the harness writes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple


class ConfigError(ValueError):
    """A configuration that cannot be used; says what was read and what was expected."""


class Endpoint(NamedTuple):
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """One node.

    ``program`` is "module:Class"; ``nodes`` gives every node's data address (this one's among them), ``roles`` every
    node's role; ``listen`` and ``control`` are where this one accepts messages and the harness's questions.
    ``data`` is the folder of the program's disk (the incarnation counter stands beside it), ``log`` and ``events`` are
    files. ``key`` is the secret of the cluster, from which each node's own is derived. ``clock_error_ms`` is the bound
    that ``clock.interval`` states. A node whose ``parent`` is given dies with the process of that id. The program of a
    ``keeper`` gets a machine besides (``harness.node.machine``).
    """

    name: str
    role: str
    program: str
    nodes: Mapping[str, Endpoint]
    roles: Mapping[str, str]
    options: Mapping[str, str]
    bugs: frozenset[str]
    seed: int
    data: str
    log: str
    events: str
    listen: Endpoint
    control: Endpoint
    key: bytes
    clock_error_ms: float
    parent: int | None
    keeper: bool = False


def load(path: str) -> NodeConfig:
    """Read a configuration. Raises ConfigError, or OSError if there is no such file."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    try:
        return parse(json.loads(text))
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
    except ValueError as error:
        raise ConfigError(f"{path}: {error}; expected one JSON object") from error


def parse(data: Any) -> NodeConfig:
    """Check a configuration and give what it leaves out its default. Raises ConfigError."""
    try:
        nodes = dict(data["nodes"])
        config = NodeConfig(
            name=_text(data, "name"),
            role=_text(data, "role"),
            program=_text(data, "program"),
            nodes={name: _endpoint(entry) for name, entry in nodes.items()},
            roles={name: _text(entry, "role") for name, entry in nodes.items()},
            options={str(name): str(value) for name, value in dict(data.get("options", {})).items()},
            bugs=frozenset(map(str, data.get("bugs", ()))),
            seed=int(data["seed"]),
            data=_text(data, "data"),
            log=_text(data, "log"),
            events=_text(data, "events"),
            listen=_endpoint(data["listen"]),
            control=_endpoint(data["control"]),
            key=bytes.fromhex(_text(data, "key")),
            clock_error_ms=float(data.get("clock_error_ms", 10)),
            parent=None if data.get("parent") is None else int(data["parent"]),
            keeper=data.get("keeper", False) is True,
        )
    except KeyError as error:
        raise ConfigError(f"read no {error.args[0]!r}; expected one") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise ConfigError(f"{error}; expected a configuration of a node") from error
    if config.name not in config.nodes:
        raise ConfigError(f"read the name {config.name!r}; expected one of the nodes {', '.join(config.nodes)}")
    if config.program.count(":") != 1:
        raise ConfigError(f"read the program {config.program!r}; expected module:Class")
    return config


def _text(data: Any, name: str) -> str:
    value = data[name]
    if not isinstance(value, str):
        raise ConfigError(f"read {name} = {value!r}; expected a text")
    return value


def _endpoint(data: Any) -> Endpoint:
    port = data["port"]
    if not isinstance(port, int) or not 0 < port < 65536:
        raise ConfigError(f"read the port {port!r}; expected 1 to 65535")
    return Endpoint(_text(data, "address"), port)
