"""The models, by name; and how a name becomes one."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from checkers.linearizable.model import Model
from checkers.linearizable.models.container import Deque, PriorityQueue, Queue, Stack, UnorderedQueue
from checkers.linearizable.models.counter import Counter
from checkers.linearizable.models.custom import custom
from checkers.linearizable.models.key_value import KeyValue
from checkers.linearizable.models.lock import FencedMutex, ReentrantMutex, Semaphore
from checkers.linearizable.models.multi_register import MultiRegister
from checkers.linearizable.models.register import CasRegister, Mutex, Register
from checkers.linearizable.models.set import Set

_ALL: Final[tuple[Model, ...]] = (
    Register(), CasRegister(), MultiRegister(), Mutex(), ReentrantMutex(), FencedMutex(), Semaphore(), Counter(), Set(),
    Queue(), UnorderedQueue(), Stack(), PriorityQueue(), Deque(), KeyValue(),
)  # fmt: skip
BY_NAME: Final[Mapping[str, Model]] = {model.name: model for model in _ALL}
MODELS: Final[Mapping[str, str]] = {model.name: model.summary for model in _ALL}


def model_of(name: str) -> Model:
    """The model of that name, or the user's own class ``package.module:Class`` (``models.custom`` says what it has).

    Raises ValueError, with what was read and what was expected. A module beside the working directory is found too.
    """
    if name in BY_NAME:
        return BY_NAME[name]
    module, colon, attribute = name.partition(":")
    if not colon or not attribute.isidentifier() or not all(part.isidentifier() for part in module.split(".")):
        raise ValueError(f"read the model {name[:80]!r}; expected {' or '.join(MODELS)}, or package.module:Class")
    return custom(_attribute(name, module, attribute), name)


def _attribute(name: str, module: str, attribute: str) -> Any:
    here = str(Path.cwd())
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
