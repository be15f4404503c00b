"""What a claim is: a sentence of a book, the experiment that tests it, and what must be seen for it to be confirmed.

Claims are data beside the systems that they are about (``System.claims``); the rules by which they are judged are code
of their own (``harness.claims``). What a claim may not do is be confirmed by a run in which nothing happened: whoever
says that something *holds* names a control, the nearest configuration in which it does not.

Standard library only: systems are deployed with their claims.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

QUOTATION_WORDS_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class Source:
    """Where the sentence stands. ``book`` is "DDIA" (Kleppmann, "Designing Data-Intensive Applications", 2017),
    "POD" (Joshi, "Patterns of Distributed Systems"), "SDI" (Xu, "System Design Interview"), or a paper's author and
    year; ``place`` a chapter or section with its title, ``page`` None where the source has none; ``quotation`` its very
    words, at most QUOTATION_WORDS_MAX."""

    book: str
    place: str
    page: int | None
    quotation: str

    def __post_init__(self) -> None:
        assert 0 < len(self.quotation.split()) <= QUOTATION_WORDS_MAX, f"a quotation of {self.quotation!r}"

    def __str__(self) -> str:
        page = "" if self.page is None else f", p. {self.page}"
        return f"{self.book} {self.place}{page}"


@dataclass(frozen=True, slots=True)
class Experiment:
    """What is run: a plan but for its seed. ``options`` are those that differ from the system's defaults.

    ``faults`` is a ``--faults`` text. Where ``windows`` are given, they are the times, in seconds from the start of the
    main phase, at which each of its faults begins and ends (one window per fault, in order), in place of drawn ones;
    a fault with a trigger is armed for that long. ``probe_hz``: how often every replica is asked for what it holds
    while the load is on. ``topology`` has regions, as in ``harness.topology``; faults may then name "region-NAME".
    """

    workload: str
    options: Mapping[str, str] = field(default_factory=dict)
    bugs: tuple[str, ...] = ()
    faults: str = "none"
    windows: tuple[tuple[float, float], ...] = ()
    nodes: int = 5
    concurrency: int = 10
    rate_hz: float = 40.0
    time_limit_s: float = 10.0
    client_timeout_s: float = 1.0
    probe_hz: float = 0.0
    topology: Mapping[str, Any] | None = None

    def varied(self, variant: Variant) -> Experiment:
        """This experiment in another configuration."""
        sizes = dict(variant.sizes)
        return replace(self, options={**self.options, **variant.options}, bugs=(*self.bugs, *variant.bugs), **sizes)


@dataclass(frozen=True, slots=True)
class Variant:
    """A configuration next to an experiment's: other ``options``, a seeded mistake, and, where a sweep is about them,
    other ``sizes`` (fields of :class:`Experiment`), or, where systems are compared, another ``system``. ``label`` names
    it in tables and plots."""

    label: str
    options: Mapping[str, str] = field(default_factory=dict)
    bugs: tuple[str, ...] = ()
    sizes: Mapping[str, Any] = field(default_factory=dict)
    system: str | None = None


@dataclass(frozen=True, slots=True)
class Violates:
    """Within the budget a run shows one of these ``anomalies`` (their types as checkers name them)."""

    anomalies: tuple[str, ...]

    def __str__(self) -> str:
        return f"violates {' or '.join(self.anomalies)}"


@dataclass(frozen=True, slots=True)
class Holds:
    """No run shows an anomaly of ``forbids`` (empty: any at all), while the control does."""

    forbids: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"holds: no {' or '.join(self.forbids)}" if self.forbids else "holds"


@dataclass(frozen=True, slots=True)
class Unavailable:
    """While the fault is in force no operation ``f`` succeeds; before it, and soon after it is healed, they do (after
    it they do not, if ``permanent``); and under the same schedule the control stays available."""

    f: str
    permanent: bool = False

    def __str__(self) -> str:
        return f"unavailable: {self.f}{', for good' if self.permanent else ''}"


@dataclass(frozen=True, slots=True)
class Available:
    """While the fault is in force operations ``f`` go on succeeding, while the control's do not."""

    f: str

    def __str__(self) -> str:
        return f"available: {self.f}"


@dataclass(frozen=True, slots=True)
class Converges:
    """Replicas were seen to differ during the run, and all hold the same at most ``within_s`` after the heal."""

    within_s: float = 30.0

    def __str__(self) -> str:
        return f"converges within {self.within_s:g} s"


ShapeKind = Literal["rises", "falls", "flat", "at-least", "at-most"]


@dataclass(frozen=True, slots=True)
class Shape:
    """What a curve must look like. "rises": its last point is at least ``ratio`` times its first one, and no step falls
    by more than ``tolerance`` of it; "falls" the other way round; "flat": no two points differ by more than
    ``tolerance`` of the larger one; "at-least", "at-most": no point is below, or above, ``bound``."""

    kind: ShapeKind
    ratio: float = 1.2
    tolerance: float = 0.15
    bound: float = 0.0

    def __str__(self) -> str:
        match self.kind:
            case "rises" | "falls":
                return f"{self.kind}, {self.ratio:g} times at least"
            case "flat":
                return f"stays within {self.tolerance:.0%}"
        return f"is {self.kind.replace('-', ' ')} {self.bound:g}"


@dataclass(frozen=True, slots=True)
class Curve:
    """A figure of each run (``harness.claims.figure`` has their names, such as "median-ms:write"), its median per
    point, and the shape that these medians must have."""

    figure: str
    shape: Shape

    def __str__(self) -> str:
        return f"{self.figure} {self.shape}"


@dataclass(frozen=True, slots=True)
class Measured:
    """Curves over a sweep: each point is a variant of the experiment, each curve one figure."""

    over: str
    points: tuple[Variant, ...]
    curves: tuple[Curve, ...]

    def __post_init__(self) -> None:
        assert self.curves, "a measured claim has a shape that can be false"

    def __str__(self) -> str:
        return f"measured over {self.over}: " + "; ".join(map(str, self.curves))


@dataclass(frozen=True, slots=True)
class Tabled:
    """For every point of a table: does some run have ``one``, and does every run have ``other``? No point has both, and
    each of the two is had somewhere (CAP: available, or linearizable). Both are figures that are 0 or 1."""

    over: str
    points: tuple[Variant, ...]
    one: str
    other: str

    def __str__(self) -> str:
        return f"over {self.over}: {self.one} or {self.other}, never both"


Expectation = Violates | Holds | Unavailable | Available | Converges | Measured | Tabled


@dataclass(frozen=True, slots=True)
class Thresholds:
    """How much must have happened. ``runs``: the budget, the same for a claim and its control (of a larger one no more
    is spent than the control shows to be needed: ``harness.claims.inquiry.ENOUGH``). Of a claim that
    something holds every counted run has ``disturbed_ok_min`` operations that succeeded inside or within 2 s after a
    fault's window (0 where there is no fault), and at least ``counted_min`` of ``runs`` count. ``operations_min`` is
    how many of a kind make a claim on availability."""

    runs: int = 20
    disturbed_ok_min: int = 50
    counted_min: float = 0.5
    operations_min: int = 20


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence and its experiment. ``id`` is the book's row ("SL-4a"); a claim with several expectations is several
    claims ("SL-7a", "SL-7b"). ``control`` is demanded by expectations that could hold for want of trouble; under it the
    same workload and the same faults must give the opposite. ``told``: events that nodes must have told in a run, or
    else what the sentence is about never happened there, and it does not count. ``providers`` where it can be tested.
    """

    id: str
    sentence: str
    source: Source
    experiment: Experiment
    expect: Expectation
    control: Variant | None = None
    thresholds: Thresholds = Thresholds()
    told: tuple[str, ...] = ()
    providers: tuple[str, ...] = ("sim", "local")

    def __post_init__(self) -> None:
        if isinstance(self.expect, Holds | Unavailable | Available):
            assert self.control is not None, f"{self.id}: what holds needs a control in which it does not"
