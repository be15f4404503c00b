"""The firewall rules that send the packets of degraded links to the engine's queue; without the engine they let
everything pass.

They come after those of partitions (which look at packets as they arrive), and leave SSH alone. nftables where the
kernel can queue from there, else iptables; both from one description.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, summarize_address_range
from typing import Final

QUEUE: Final = 27_411
MARK: Final = 0x53504C42
"""On what the engine itself sends: it is not queued again."""

TABLE: Final = "splitbrain_links"
HEARD: Final = "splitbrain-heard"
TOLD: Final = "splitbrain-told"
NFT, IPTABLES = "nft", "iptables"
TOOLS: Final = (NFT, IPTABLES)
_MANGLE: Final = ("iptables", "--wait", "-t", "mangle")
_TIMEOUT_S: Final = 10

Range = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Rules:
    """Queue what arrives from ``heard`` and what goes to ``told`` (ranges of addresses, both ends included), on the
    interface that carries data (None: any), and never the SSH server's port."""

    heard: tuple[Range, ...]
    told: tuple[Range, ...]
    interface: str | None
    ssh_port: int

    def as_nft(self) -> str:
        """Input for ``nft -f``."""
        on, out = (f'{word} "{self.interface}" ' if self.interface else "" for word in ("iifname", "oifname"))
        return f"""\
add table inet {TABLE}
delete table inet {TABLE}
table inet {TABLE} {{
    set heard {{ type ipv4_addr; flags interval; {_elements(self.heard)} }}
    set told {{ type ipv4_addr; flags interval; {_elements(self.told)} }}
    chain arriving {{
        type filter hook input priority -150; policy accept;
        meta mark {MARK:#x} accept
        tcp dport {self.ssh_port} accept
        {on}ip saddr @heard queue num {QUEUE} bypass
    }}
    chain leaving {{
        type filter hook postrouting priority -150; policy accept;
        meta mark {MARK:#x} accept
        tcp sport {self.ssh_port} accept
        {out}ip daddr @told queue num {QUEUE} bypass
    }}
}}
"""

    def as_iptables(self) -> str:
        """Input for ``iptables-restore --noflush``: fills our two chains anew."""
        lines = ["*mangle"]
        for chain, port, address, ranges in ((HEARD, "--dport", "-s", self.heard), (TOLD, "--sport", "-d", self.told)):
            lines.append(f":{chain} - [0:0]")
            lines.append(f"-A {chain} -m mark --mark {MARK:#x} -j RETURN")
            lines.append(f"-A {chain} -p tcp {port} {self.ssh_port} -j RETURN")
            lines += [f"-A {chain} {address} {block} -j NFQUEUE --queue-num {QUEUE} --queue-bypass"
                      for block in _blocks(ranges)]  # fmt: skip
        return "\n".join([*lines, "COMMIT", ""])


def install(wanted: Rules, tools: Sequence[str] = TOOLS) -> str:
    """Put them in the place of any before, at once, with the first tool that can; which that was. Raises OSError saying
    what each of them said."""
    complaints = []
    for tool in tools:
        complaint = _install_nft(wanted) if tool == NFT else _install_iptables(wanted)
        if not complaint:
            return tool
        complaints.append(f"{tool}: {complaint}")
    raise OSError(f"no way to queue packets here: {'; '.join(complaints)}")


def remove(interface: str | None, tools: Sequence[str] = TOOLS) -> None:
    """Remove those of these tools; fine if there are none."""
    if IPTABLES in tools:
        for jump in _jumps(interface):
            _complaint((*_MANGLE, "-D", *jump))
        for chain in (HEARD, TOLD):
            for verb in ("-F", "-X"):
                _complaint((*_MANGLE, verb, chain))
    if NFT in tools:
        _complaint(("nft", "-f", "-"), f"add table inet {TABLE}\ndelete table inet {TABLE}\n")


def _install_nft(wanted: Rules) -> str:
    return _complaint(("nft", "-f", "-"), wanted.as_nft())


def _install_iptables(wanted: Rules) -> str:
    complaint = _complaint(("iptables-restore", "--noflush", "--wait"), wanted.as_iptables())
    for jump in _jumps(wanted.interface):
        if not complaint and _complaint((*_MANGLE, "-C", *jump)):
            complaint = _complaint((*_MANGLE, "-I", *jump))
    return complaint


def _jumps(interface: str | None) -> tuple[tuple[str, ...], ...]:
    on, out = ((word, interface) if interface else () for word in ("-i", "-o"))
    return ("INPUT", *on, "-j", HEARD), ("POSTROUTING", *out, "-j", TOLD)


def _elements(ranges: Sequence[Range]) -> str:
    shown = [first if first == last else f"{first}-{last}" for first, last in ranges]
    return f"elements = {{ {', '.join(shown)} }}" if ranges else ""


def _blocks(ranges: Sequence[Range]) -> list[str]:
    """The ranges as networks, which every iptables matches."""
    return [
        str(block) for first, last in ranges for block in summarize_address_range(IPv4Address(first), IPv4Address(last))
    ]


def _complaint(command: Sequence[str], text: str = "") -> str:
    """ "" if the command worked, else what it said."""
    try:
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return (done.stderr.strip() or f"status {done.returncode}")[:300] if done.returncode else ""
