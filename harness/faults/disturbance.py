"""What stands after ``--faults``, and the schedule that it comes to: a list of faults (:mod:`.grammar`), a profile
(:mod:`.profile`) or a fault file (:mod:`.fault_file`)."""

from __future__ import annotations

from dataclasses import dataclass

from harness.fault import FaultSpec, FaultSyntaxError
from harness.faults.fault_file import Words, is_file, read_file
from harness.faults.grammar import parse
from harness.faults.mix import mixed_schedule
from harness.faults.profile import PROFILES, Means, profile_mix
from harness.faults.schedule import schedule
from harness.plan import ScheduledFault


@dataclass(frozen=True, slots=True)
class Drawn:
    """What of a run decides its schedule, besides the text."""

    nodes: tuple[str, ...]
    time_limit_s: float
    seed: int


def is_list(text: str) -> bool:
    """Whether the text names its faults itself."""
    return not is_file(text) and text.strip() not in PROFILES


def named(text: str, words: Words) -> tuple[FaultSpec, ...]:
    """The faults that the text itself names; those of a profile or a file stand in the schedule only. Raises
    FaultSyntaxError."""
    return parse(text, words.faults, words.events, words.operations, words.roles) if is_list(text) else ()


def schedule_of(text: str, words: Words, means: Means, run: Drawn) -> tuple[ScheduledFault, ...]:
    """The faults of one run. Raises FaultSyntaxError: what was read, what was expected, where."""
    if is_list(text):
        return schedule(named(text, words), words.faults, run.nodes, run.time_limit_s, run.seed)
    if is_file(text):
        return mixed_schedule(read_file(text, words), words.faults, run.nodes, run.time_limit_s, run.seed)
    mix = profile_mix(text.strip(), means, run.time_limit_s, run.seed)
    if not mix.entries:
        raise FaultSyntaxError(f"--faults: read {text.strip()!r}, and the clusters of this provider can do nothing of "
                               "it; expected another provider; `splitbrain doctor` says more")  # fmt: skip
    return mixed_schedule(mix, words.faults, run.nodes, run.time_limit_s, run.seed)
