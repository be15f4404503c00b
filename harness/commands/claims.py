"""``splitbrain claims``: what the books say of the bundled systems, each sentence run as an experiment."""

from __future__ import annotations

import argparse
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from harness import catalog
from harness.catalog import alternatives
from harness.claim import Claim, Measured, Tabled
from harness.claims.inquiry import Inquiry
from harness.claims.survey import Survey
from harness.commands import CRASH, PROGRAM, UsageError, complain, one_of
from harness.commands.claim_row import Row
from harness.commands.output import emit, printable
from harness.commands.run import check_provider
from harness.commands.survey_progress import add_options, surveyed, tell

PROVIDERS: Final = ("sim", "local", "docker")
STATUS: Final[Mapping[str, int]] = {"confirmed": 0, "refuted": 1, "unconfirmed": 2}
SENTENCE_CHARACTERS: Final = 96

EXAMPLES: Final = """\
examples:
  splitbrain claims --provider sim              every claim, in the simulated world, over all cores
  splitbrain claims SL-4                        SL-4a, SL-4b, ...: all claims of that row
  splitbrain claims --family raft --runs 200    the claims of one system, with a larger budget
  splitbrain claims --list                      what there is to be tested, without testing it
  splitbrain claims SL-7 --html claims.html     one page with the experiments, their verdicts and pictures

A claim that something is violated is confirmed by a run that shows it. One that something holds is confirmed only if
the control, the nearest configuration in which it does not hold, is violated under the same workload and the same
faults, and enough happened under those faults; or else it is unconfirmed, which is no pass.

exit status: 0 all are confirmed, 1 one is refuted, 2 one is unconfirmed, 254 usage, 255 crash of the harness"""


def add(subparsers: Any) -> None:
    """Add the command to the command line's parser."""
    parser = subparsers.add_parser(
        "claims",
        help="the books' sentences about the bundled systems, as experiments",
        description="Runs the experiments behind the books' claims, and says which are confirmed.",
        epilog=EXAMPLES,
    )
    option = parser.add_argument
    option("claims", nargs="*", metavar="ID", help="claims to test: an id, or the beginning of one (default: all)")
    option("--family", metavar="F", help="only claims of the system F, or whose ids begin with F, as in SL or raft")
    option("--provider", type=one_of(PROVIDERS), default="sim", metavar="P", help="sim (the default), local or docker")
    option(
        "--runs",
        type=int,
        metavar="N",
        help="the budget: at most N runs of each claim and of its control "
        "(default: its own, mostly 20, and within that five for each run that its control needed, 15 at least)",
    )
    add_options(option, "evidence is")
    option(
        "--html", metavar="FILE", help="write one page: sentences, experiments, verdicts, pictures of violating runs"
    )
    option("--list", action="store_true", help="name the claims and their experiments, and run nothing")
    option("--json", action="store_true", help="one line of JSON, the last on standard output: a list of claims")


def run(args: argparse.Namespace) -> int:
    """Test the claims; 0 if all are as expected."""
    chosen = choose(args.claims, args.family, args.provider)
    if args.list:
        return _listed(chosen, as_json=args.json)
    if args.runs is not None and args.runs < 1:
        raise UsageError(f"--runs: read {args.runs}; expected 1 or more")
    if args.provider != "sim":
        check_provider(catalog.provider(args.provider), chosen[0][0])
    survey = Survey([Inquiry(claim, system, args.runs, args.seed) for system, claim in chosen], args.provider,
                    Path(args.store) / "claims", args.jobs)  # fmt: skip
    seconds = surveyed(survey, "claims", json=args.json)
    if seconds is None:
        return CRASH
    rows = [Row.of(survey, inquiry) for inquiry in survey.questions]
    text = "\n".join(_table(rows, survey, seconds))
    tell(text, json=args.json)
    if args.html:
        from harness.commands.claims_page import write_page

        complain(f"page: {write_page(Path(args.html), rows, args.provider)}")
    if args.json:
        emit([row.as_json() for row in rows])
    return max((STATUS[row.judgement.verdict] for row in rows), key=lambda status: (status == 1, status))


def choose(ids: Sequence[str], family: str | None, provider: str) -> list[tuple[str, Claim]]:
    """(system, claim) of those that are asked for. Raises UsageError where a word fits none."""
    systems = (*catalog.names("systems"), *catalog.externals())
    everything = [(name, claim) for name in systems for claim in catalog.system(name).claims]
    families = sorted({_family(claim) for _, claim in everything} | {system for system, _ in everything})
    if family is not None and family not in families:
        raise UsageError(f"--family: read {family[:80]!r}; expected {alternatives(family, families)}")
    for word in ids:
        if not any(fits(word, claim.id) for _, claim in everything):
            near = alternatives(word, [claim.id for _, claim in everything]).partition(" (did")[1:]
            hint = "".join(near) if near[0] else ""
            raise UsageError(f"read the claim {word[:80]!r}; expected an id of `{PROGRAM} claims --list`{hint}")
    chosen = [
        (system, claim) for system, claim in everything
        if (not ids or any(fits(word, claim.id) for word in ids)) and family in (None, system, _family(claim))
    ]  # fmt: skip
    testable = [(system, claim) for system, claim in chosen if _is_testable(system, claim, provider)]
    if left_out := sum(catalog.is_external(system) for system, _ in chosen if provider == "sim"):
        complain(f"{left_out} claims are left out: their systems are not ours, and run with --provider local")
    if not testable:
        raise UsageError(f"read nothing to test with --provider {provider}; `{PROGRAM} claims --list` names all claims")
    return sorted(testable, key=lambda pair: _order(pair[1].id))


def _is_testable(system: str, claim: Claim, provider: str) -> bool:
    if provider == "sim" and catalog.is_external(system):
        return False
    return provider in claim.providers or provider == "docker"


def fits(word: str, identity: str) -> bool:
    """Whether a claim is meant by a word: its id, or that of its row ("SL-4" means SL-4a, and not SL-40)."""
    word, identity = word.lower(), identity.lower()
    rest = identity.removeprefix(word)
    return identity.startswith(word) and not (word[-1:].isdigit() and rest[:1].isdigit())


def _family(claim: Claim) -> str:
    return claim.id.partition("-")[0]


def _order(identity: str) -> tuple[Any, ...]:
    """CO-2 before CO-12."""
    return tuple((part.isdigit(), int(part) if part.isdigit() else 0, part) for part in re.split(r"(\d+)", identity))


def _table(rows: Sequence[Row], survey: Survey[Inquiry], seconds: float) -> Iterator[str]:
    """A claim takes a few lines: id, verdict and runs; the sentence; the source; what was seen."""
    for row in rows:
        claim, judgement = row.inquiry.claim, row.judgement
        word = judgement.verdict if judgement.verdict == "confirmed" else judgement.verdict.upper()
        yield f"{claim.id:<8} {word:<12} {row.inquiry.system}, {row.inquiry.runs} runs: {claim.expect}"
        yield f"         {claim.sentence}"
        yield f'         "{claim.source.quotation}" ({claim.source})'
        yield printable(f"         {judgement.why[:400]}")
        if judgement.control:
            yield printable(f"         control: {judgement.control[:300]}")
        if row.evidence:
            yield f"         evidence: {row.evidence['repeat']}"
    counts = Counter(row.judgement.verdict for row in rows)
    told = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    yield f"{len(rows)} claims: {told}; {survey.runs} runs in {seconds:.0f} s"


def _listed(chosen: Sequence[tuple[str, Claim]], *, as_json: bool) -> int:
    if as_json:
        emit([{"id": claim.id, "system": system, "sentence": claim.sentence, "source": str(claim.source),
               "expect": str(claim.expect)} for system, claim in chosen])  # fmt: skip
        return 0
    for system, claim in chosen:
        print(f"{claim.id:<8} {system}: {claim.sentence}\n         {claim.source}\n         {claim.expect}; "
              f"{_in_words(claim)}")  # fmt: skip
    return 0


def _in_words(claim: Claim) -> str:
    experiment = claim.experiment
    options = "".join(f" -o {name}={value}" for name, value in experiment.options.items())
    sweep = f", {len(claim.expect.points)} points" if isinstance(claim.expect, Measured | Tabled) else ""
    return f"{experiment.workload}{options}, faults {experiment.faults}{sweep}"
