"""The rules that queue packets, as text for both tools."""

from __future__ import annotations

import pytest

from harness.agent.network.engine import Order
from harness.agent.network.rules import MARK, QUEUE, Rules

RULES = Rules((("198.18.0.2", "198.18.0.2"),), (("198.18.1.0", "198.18.2.255"),), "eth0", 2222)


def test_both_tools_queue_exactly_the_links_ends_and_let_pass_where_nobody_listens() -> None:
    nft, iptables = RULES.as_nft(), RULES.as_iptables()
    assert "set heard { type ipv4_addr; flags interval; elements = { 198.18.0.2 } }" in nft
    assert "set told { type ipv4_addr; flags interval; elements = { 198.18.1.0-198.18.2.255 } }" in nft
    assert nft.count(f"queue num {QUEUE} bypass") == 2
    assert iptables.count(f"--queue-num {QUEUE} --queue-bypass") == 3
    assert "-s 198.18.0.2/32 " in iptables
    assert "-d 198.18.1.0/24 " in iptables
    assert "-d 198.18.2.0/24 " in iptables


def test_ssh_and_our_own_copies_are_never_queued() -> None:
    for text, words in (
        (RULES.as_nft(), ("tcp dport 2222 accept", "tcp sport 2222 accept", f"meta mark {MARK:#x} accept")),
        (RULES.as_iptables(), ("-p tcp --dport 2222 -j RETURN", "-p tcp --sport 2222 -j RETURN", f"--mark {MARK:#x} ")),
    ):
        lines = text.splitlines()
        first = min(place for place, line in enumerate(lines) if "queue" in line.lower())
        last = max(place for place, line in enumerate(lines) if "queue" in line.lower())
        for word in words:
            places = [place for place, line in enumerate(lines) if word in line]
            assert places, f"{word} is missing"
            assert min(places) < last
        assert min(place for place, line in enumerate(lines) if words[0] in line) < first


def test_without_an_interface_of_their_own_all_are_looked_at() -> None:
    assert "eth0" in RULES.as_nft()
    assert "ifname" not in Rules(RULES.heard, RULES.told, None, 22).as_nft()


def order(*kinds: str) -> Order:
    entry = {"amount": {}, "heard": [["198.18.0.2", "198.18.0.2"]], "told": []}
    return Order.from_json({"interface": None, "ssh_port": 22, "kinds": {kind: [entry] for kind in kinds}})


def test_an_order_tells_links_apart_by_their_ends() -> None:
    found = order("delay", "loss")
    assert set(found.fails(True, bytes([198, 18, 0, 2]))) == {"delay", "loss"}
    assert found.fails(True, bytes([198, 18, 0, 3])) == {}
    assert found.fails(False, bytes([198, 18, 0, 2])) == {}, "what it hears from there, not what it tells"
    assert found.rules.heard == (("198.18.0.2", "198.18.0.2"),), "named once"


def test_only_what_changes_packets_needs_all_of_them() -> None:
    assert order("delay", "loss").content_bytes < 100
    assert order("delay", "corrupt").content_bytes == order("duplicate-packets").content_bytes == 0xFFFF


def test_only_where_nothing_but_time_is_at_stake_may_packets_come_unsplit() -> None:
    assert order("delay", "slow-link", "reorder-packets").only_takes_time
    assert not any(
        order("delay", kind).only_takes_time for kind in ("loss", "corrupt", "bandwidth", "duplicate-packets")
    )


def test_a_kind_that_is_none_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="read the kind 'gravity'; expected one of distance, delay"):
        order("gravity")
