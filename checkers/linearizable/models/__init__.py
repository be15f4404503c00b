"""The models, by name; and how a name becomes one. Each is imported when it is asked for: most histories need one."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any, Final, TypeVar

from checkers.linearizable.model import Model

_Value = TypeVar("_Value")

# name -> where it is, in this package, as "module:Class".
_PLACES: Final[Mapping[str, str]] = {
    "register": "register:Register",
    "cas-register": "register:CasRegister",
    "multi-register": "multi_register:MultiRegister",
    "mutex": "register:Mutex",
    "reentrant-mutex": "lock:ReentrantMutex",
    "fenced-mutex": "lock:FencedMutex",
    "semaphore": "lock:Semaphore",
    "counter": "counter:Counter",
    "set": "set:Set",
    "queue": "container:Queue",
    "unordered-queue": "container:UnorderedQueue",
    "stack": "container:Stack",
    "pqueue": "container:PriorityQueue",
    "deque": "container:Deque",
    "kv": "key_value:KeyValue",
}


class _OfModels(Mapping[str, _Value]):
    """Something of every model, by the model's name; the model is imported when its own is asked for."""

    def __init__(self, something: Callable[[str], _Value]) -> None:
        self._something = something

    def __getitem__(self, name: str) -> _Value:
        if name not in _PLACES:
            raise KeyError(name)
        return self._something(name)

    def __contains__(self, name: object) -> bool:
        return name in _PLACES

    def __iter__(self) -> Iterator[str]:
        return iter(_PLACES)

    def __len__(self) -> int:
        return len(_PLACES)


def _class_of(name: str) -> type[Model]:
    module, _, attribute = _PLACES[name].partition(":")
    found: type[Model] = getattr(import_module(f"{__name__}.{module}"), attribute)
    return found


BY_NAME: Final[Mapping[str, Model]] = _OfModels(lambda name: _class_of(name)())
MODELS: Final[Mapping[str, str]] = _OfModels(lambda name: BY_NAME[name].summary)
"""Name -> what it is, in one line."""
CLASSES: Final[Mapping[str, str]] = {place.partition(":")[2]: name for name, place in _PLACES.items()}
"""Class -> name: ``__getattr__`` finds the classes here, too."""


def __getattr__(name: str) -> type[Model]:
    if name in CLASSES:
        return _class_of(CLASSES[name])
    raise AttributeError(f"{__name__} has no {name!r}")


def model_of(name: str) -> Model:
    """The model of that name, or the user's own class ``package.module:Class`` (``models.custom`` says what it has).

    Raises ValueError, with what was read and what was expected. A module beside the working directory is found too.
    """
    if name in BY_NAME:
        return BY_NAME[name]
    module, colon, attribute = name.partition(":")
    if not colon or not attribute.isidentifier() or not all(part.isidentifier() for part in module.split(".")):
        raise ValueError(f"read the model {name[:80]!r}; expected {' or '.join(MODELS)}, or package.module:Class")
    from checkers.linearizable.models.custom import custom

    return custom(_attribute(name, module, attribute), name)


def _attribute(name: str, module: str, attribute: str) -> Any:
    here = os.getcwd()
    there = here in sys.path
    if not there:
        sys.path.append(here)
    try:
        found = import_module(module)
    except ImportError as error:
        raise ValueError(f"read the model {name!r}, whose module cannot be imported ({error}); expected one "
                         "that can, from here or from Python's path") from error  # fmt: skip
    finally:
        if not there:
            sys.path.remove(here)
    if not hasattr(found, attribute):
        raise ValueError(f"read the model {name!r}; expected a class that {module} has")
    return getattr(found, attribute)
