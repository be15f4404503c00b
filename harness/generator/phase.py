"""One generator after another, with or without waiting for everybody in between."""

from __future__ import annotations

from dataclasses import dataclass

from harness.generator.core import PENDING, Answer, Context, Generator
from harness.history import Op


@dataclass(frozen=True, slots=True)
class _Sequence:
    generators: tuple[Generator, ...]
    index: int = 0

    def op(self, context: Context) -> Answer:
        for index in range(self.index, len(self.generators)):
            answer = self.generators[index].op(context.scope(index))
            if answer is not None:
                return answer[0], self._with(index, answer[1])
        return None

    def update(self, context: Context, event: Op) -> Generator:
        if self.index >= len(self.generators):
            return self
        return self._with(self.index, self.generators[self.index].update(context.scope(self.index), event))

    def _with(self, index: int, generator: Generator) -> _Sequence:
        return _Sequence((*self.generators[:index], generator, *self.generators[index + 1 :]), index)


@dataclass(frozen=True, slots=True)
class _Synchronize:
    generator: Generator

    def op(self, context: Context) -> Answer:
        if len(context.free) < len(context.threads):
            return PENDING, self
        return self.generator.op(context)

    def update(self, context: Context, event: Op) -> Generator:
        return self


def sequence(*generators: Generator) -> Generator:
    """Each generator until it is exhausted, then the next at once, while earlier operations may still run."""
    return _Sequence(generators)


def synchronize(generator: Generator) -> Generator:
    """The generator, but not before every thread it may use is idle."""
    return _Synchronize(generator)


def phases(*generators: Generator) -> Generator:
    """Each generator until it is exhausted and all its operations have completed, then the next."""
    return _Sequence(tuple(_Synchronize(generator) for generator in generators))


def then(first: Generator, second: Generator) -> Generator:
    """``first``, and when all its operations have completed, ``second``."""
    return _Sequence((first, _Synchronize(second)))
