"""The campaign against false alarms: what stores did must be valid at the levels that they keep.

    python -m benchmarks.transaction_stores_fuzz [--histories 10000] [--seed 0] [--time-limit 1200]

Each history is of one of the stores of benchmarks.transaction_stores, of lists, of registers, or of registers and
predicate reads, with 10 to 60 transactions and any option on. Its level must hold, and with it each weaker one; the
same as JSON lines, read by the compiled reader, for every fourth. "unknown" passes where the definition leaves it open:
reads of uncommitted lists that contradict each other, and values written twice; both are counted. The last line says
how many histories fail some stronger level: the stores do what their level permits. Exit status 0 if all hold, 1 if any
does not (with its seed), 2 if the time limit came first.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random
from time import monotonic, process_time

if __name__ == "__main__":  # run as a file, too
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.transaction_clients import Data, Recorded, Traffic, random_traffic, recorded
from benchmarks.transaction_stores import LEVELS
from benchmarks.transactions_columnar_fuzz import text_of, with_columns
from benchmarks.transactions_fuzz import Tally, numbered
from checkers.transactional import check
from checkers.transactional.lattice import STRICT, implied
from harness.history import History
from harness.result import Reason, Result

DATA: tuple[Data, ...] = ("list", "register", "predicate")
COLUMNS_EVERY = 4
OPEN = "repeatable-read"  # beside predicate reads two readings of its definition may differ


def examine(tally: Tally, seed: int, store: str, data: Data) -> None:
    """One history, at each level that its store keeps."""
    random = Random(f"{store} {data} {seed}")
    traffic = random_traffic(random, data)
    made = recorded(store, data, random, traffic)
    name = f"{store}, {data}, seed {seed}"
    for level in LEVELS[store]:
        result = check(History(made.lines), expect=level, initial=made.initial)
        examine_result(tally, name, traffic, level, result)
    tally.counts["histories"] += 1
    tally.counts[f"store: {store}, {data}"] += 1
    for type_ in ("invoke", "ok"):
        tally.counts[f"transactions: {type_}"] += sum(line.type == type_ for line in made.lines)
    weaker = STRICT not in result.details.get("strongest", (STRICT,))
    tally.counts["not strict serializable"] += weaker
    tally.counts[f"store: {store}, {data}, not strict serializable"] += weaker
    if seed % COLUMNS_EVERY == 0 and made.initial is None:
        examine_columns(tally, name, traffic, made, level, random)


def examine_result(tally: Tally, name: str, traffic: Traffic, level: str, result: Result) -> None:
    """The level, and the weaker ones."""
    if result.valid == "unknown":
        open_ = level.endswith("read-uncommitted") or traffic.repeated > 0
        tally.counts["unknown where the definition is open"] += 1
        fine = open_ and result.reason is Reason.UNSUPPORTED
        tally.expect(fine, f"{name}: {level}: unknown ({result.reason}): {result.explanation}")
        return
    tally.expect(result.valid is True, f"{name}: {level}: {result}")
    undecided = {each for each in result.details.get("undecided", ()) if not each.endswith(OPEN)}
    wrong = implied(level) & {*result.details["weakest_failing"], *undecided}
    tally.expect(not wrong, f"{name}: {level} holds, and not {sorted(wrong)}")


def examine_columns(
    tally: Tally, name: str, traffic: Traffic, made: Recorded, level: str, random: Random
) -> None:  # fmt: skip
    """The same from JSON lines."""
    result = check(with_columns(text_of(random, made.lines)), expect=level)
    examine_result(tally, f"{name}, by columns", traffic, level, result)
    tally.counts["histories by columns, too"] += 1


def campaign(histories: int, seed: int, deadline: float) -> Tally:
    """That many, evenly of every store and type, until the deadline."""
    tally = Tally()
    pairs = [(store, data) for store in LEVELS for data in DATA]
    for number in numbered(tally, histories, seed, deadline):
        round_, place = divmod(number, len(pairs))
        examine(tally, round_, *pairs[place])
    return tally


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign and print its counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--histories", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0, help="the number of the first history")
    parser.add_argument("--time-limit", type=float, default=1200.0, help="seconds")
    options = parser.parse_args(arguments)
    began = process_time()
    tally = campaign(options.histories, options.seed, monotonic() + options.time_limit)
    for name, count in sorted(tally.counts.items()):
        print(f"{count:9,}  {name}")
    for message in tally.disagreements[:20]:
        print(message, file=sys.stderr)
    counts = tally.counts
    print(f"{counts['histories']:,} histories of {len(LEVELS)} stores "
          f"({counts['transactions: invoke']:,} transactions): {len(tally.disagreements)} false alarms; "
          f"{counts['not strict serializable']:,} fail some stronger level; "
          f"{process_time() - began:.0f} CPU s")  # fmt: skip
    if tally.disagreements:
        return 1
    return 0 if counts["histories"] == options.histories else 2


if __name__ == "__main__":
    sys.exit(main())
