"""Links: order, delay, loss, duplication, reordering, cuts; each on its own, with nothing else in the world."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from harness.simulation.network import HEADERS_BYTES, SEND, Network, Parcel
from harness.simulation.runtime import SimRuntime

Arrivals = list[tuple[int, int]]


def deliver(seed: int, count: int, gap_ms: float = 1.0, *, kind: str | None = None,
            amount: Mapping[str, float] | None = None, cut_ms: tuple[int, int] | None = None,
            ) -> tuple[Arrivals, Network]:  # fmt: skip
    """Send ``count`` numbered messages from n1 to n2; (ms of arrival, number) in order, and the network."""
    runtime, arrived = SimRuntime(seed), Arrivals()
    network = Network(runtime.scheduler, ("n1", "n2", "n3"))

    def arrive(parcel: Parcel) -> None:
        arrived.append((runtime.now() // 1_000_000, parcel.body["number"]))

    async def cut() -> None:
        assert cut_ms is not None
        await runtime.sleep(cut_ms[0])
        network.partition({"n2": ["n1"]})
        await runtime.sleep(cut_ms[1] - cut_ms[0])
        network.partition({})

    async def main() -> None:
        if kind is not None:
            network.degrade(kind, [("n1", "n2")], amount or {})
        if cut_ms is not None:
            runtime.spawn(cut(), "cut")
        for number in range(count):
            network.transmit(Parcel(0, SEND, "n1", "n2", {"number": number}, arrive))
            await runtime.sleep(gap_ms)
        await runtime.sleep(5000)

    runtime.run(main(), 600)
    return arrived, network


def numbers(arrived: Arrivals) -> list[int]:
    return [number for _, number in arrived]


def test_a_link_keeps_its_order_and_takes_its_time() -> None:
    for seed in range(20):
        arrived, network = deliver(seed, 300)
        assert numbers(arrived) == list(range(300))
        delays = [time - number for time, number in arrived]
        assert min(delays) == 1
        assert 3 <= max(delays) <= 20
        assert network.delivered == 300
        assert not any(network.met["n2"].values())


def test_the_same_seed_gives_the_same_times() -> None:
    assert deliver(7, 100)[0] == deliver(7, 100)[0]
    assert deliver(7, 100)[0] != deliver(8, 100)[0]


def test_delay_keeps_the_order() -> None:
    arrived, network = deliver(1, 200, kind="delay", amount={"delay_ms": 100, "jitter_ms": 50})
    assert numbers(arrived) == list(range(200))
    assert all(50 <= time - number <= 220 for time, number in arrived)
    assert network.met["n2"]["delay"] == 200


def test_loss_loses_about_as_many_as_it_says() -> None:
    arrived, network = deliver(1, 1000, kind="loss", amount={"probability": 0.2})
    lost = 1000 - len(arrived)
    assert 140 < lost < 260
    assert network.met["n2"]["loss"] == lost
    assert numbers(arrived) == sorted(numbers(arrived))


def test_duplicates_come_twice() -> None:
    arrived, network = deliver(1, 1000, kind="duplicate", amount={"probability": 0.2})
    twice = [number for number, times in Counter(numbers(arrived)).items() if times == 2]
    assert 140 < len(twice) < 260
    assert set(numbers(arrived)) == set(range(1000))
    assert network.met["n2"]["duplicate"] == len(twice)


def test_reordering_lets_others_overtake() -> None:
    arrived, network = deliver(1, 500, kind="reorder", amount={"probability": 0.2, "delay_ms": 50})
    assert sorted(numbers(arrived)) == list(range(500))
    assert numbers(arrived) != list(range(500))
    assert network.met["n2"]["reorder"] > 50


def test_a_cut_stops_messages_and_some_connections_survive_it() -> None:
    fates: Counter[str] = Counter()
    for seed in range(60):
        arrived, network = deliver(seed, 100, gap_ms=10, cut_ms=(300, 600))
        assert numbers(arrived) == sorted(numbers(arrived)), "TCP keeps its order even then"
        assert all(not 300 < time <= 600 for time, _ in arrived), "nothing arrives through a cut"
        assert 25 <= network.dropped["n2"] <= 35
        missing = set(range(100)) - set(numbers(arrived))
        assert missing <= set(range(28, 61))
        fates["lost" if missing else "kept and sent again after the heal"] += 1
    assert min(fates.values()) > 15
    assert len(fates) == 2


def test_a_cut_is_directed_and_names_clients_as_one() -> None:
    runtime, got = SimRuntime(1), list[tuple[str, str]]()
    network = Network(runtime.scheduler, ("n1", "n2"))

    def send(source: str, to: str) -> None:
        def arrive(parcel: Parcel) -> None:
            got.append((parcel.source, parcel.to))

        network.transmit(Parcel(0, SEND, source, to, {}, arrive))

    async def main() -> None:
        network.partition({"n2": ["n1", "clients"]})
        for source, to in [("n1", "n2"), ("n2", "n1"), ("c7", "n2"), ("c7", "n1"), ("n2", "c7")]:
            send(source, to)
        await runtime.sleep(100)

    runtime.run(main(), 10)
    assert sorted(got) == [("c7", "n1"), ("n2", "c7"), ("n2", "n1")]


def test_removing_messages_of_one_link_leaves_the_times_of_another() -> None:
    def times(also: bool) -> list[int]:
        runtime, arrived = SimRuntime(3), list[int]()
        network = Network(runtime.scheduler, ("n1", "n2", "n3"))

        def arrive(parcel: Parcel) -> None:
            if parcel.to == "n2":
                arrived.append(runtime.now())

        def send(to: str, body: dict[str, Any]) -> None:
            network.transmit(Parcel(0, SEND, "n1", to, body, arrive))

        async def main() -> None:
            for _ in range(100):
                send("n2", {})
                if also:
                    send("n3", {})
                await runtime.sleep(3)

        runtime.run(main(), 10)
        return arrived

    assert times(also=True) == times(also=False)


def test_a_spoiled_message_is_lost_and_counted_where_it_was_found_out() -> None:
    arrived, network = deliver(4, 400, kind="corrupt", amount={"probability": 0.3})
    assert len(arrived) == 400 - network.met["n2"]["corrupt"]
    assert 80 < network.met["n2"]["corrupt"] < 160
    assert numbers(arrived) == sorted(numbers(arrived))


def test_messages_wait_in_line_before_a_narrow_link() -> None:
    bits = (len('{"number":100}') + HEADERS_BYTES) * 8
    arrived, network = deliver(5, 100, gap_ms=1, kind="bandwidth", amount={"rate_kbit_s": bits / 5})
    assert numbers(arrived) == list(range(100)), "in order"
    assert network.met["n2"]["bandwidth"] == 100
    last_ms = arrived[-1][0]
    assert 480 <= last_ms <= 530, "each takes 5 ms"


def test_what_finds_the_line_full_is_lost() -> None:
    bits = (len('{"number":100}') + HEADERS_BYTES) * 8
    arrived, network = deliver(6, 400, gap_ms=1, kind="bandwidth", amount={"rate_kbit_s": bits / 20})
    assert 50 <= len(arrived) <= 80, "those of the first second, and one every 20 ms while others still come"
    assert network.met["n2"]["bandwidth"] == 400
    assert max(time for time, _ in arrived) < 1000 + 400 + 100


def test_a_wide_link_is_not_met() -> None:
    arrived, network = deliver(7, 100, kind="bandwidth", amount={"rate_kbit_s": 100_000})
    assert numbers(arrived) == list(range(100))
    assert not network.met["n2"]["bandwidth"]


def test_what_befalls_packets_alone_is_counted_and_not_noticed() -> None:
    for kind in ("duplicate-packets", "reorder-packets"):
        arrived, network = deliver(8, 200, kind=kind, amount={"probability": 0.5, "delay_ms": 50})
        assert numbers(arrived) == list(range(200))
        assert 60 < network.met["n2"][kind] < 140
