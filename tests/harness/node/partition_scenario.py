"""Run inside a network namespace of its own: cut two nodes apart by dropped packets, heal, tell how long each took.

Prints one JSON object: outcomes of calls during the cut, and the seconds from the heal to the first reply, for a
call from node to node and for one from a client.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

from harness.node import CallError, Message
from harness.system import ClientEnv
from tests.harness.node.cluster import data_address, echo_cluster

RULES = """\
table inet cut {{
    chain arriving {{
        type filter hook input priority 0; policy accept;
        ip daddr {address} tcp dport {port} drop
        ip saddr {address} tcp sport {port} drop
    }}
}}
"""
FORWARD = {"type": "forward", "to": "n2", "timeout_ms": 150, "message": {}}


async def nft(text: str) -> None:
    await asyncio.to_thread(subprocess.run, ["nft", "-f", "-"], input=text.encode(), check=True)


async def outcome(client: ClientEnv, node: str, message: Message) -> str:
    try:
        reply = await client.call(node, message, 200)
    except CallError as error:
        return type(error).__name__
    return str(reply.get("error", "reply"))


async def until_reply(client: ClientEnv, node: str, message: Message) -> float:
    loop = asyncio.get_running_loop()
    started = loop.time()
    while await outcome(client, node, message) != "reply":  # noqa: ASYNC110 - the kernel sets no event of ours
        await asyncio.sleep(0.01)
    return loop.time() - started


async def outcomes(client: ClientEnv, node: str, message: Message, seconds: float) -> list[str]:
    seen: list[str] = []
    loop = asyncio.get_running_loop()
    ends = loop.time() + seconds
    while loop.time() < ends:
        seen.append(await outcome(client, node, message))
        await asyncio.sleep(0.02)
    return seen


async def main(folder: Path, cut_s: float) -> None:
    async with echo_cluster(folder, 2) as cluster:
        through, direct = cluster.client_env(0, "c0"), cluster.client_env(1, "c1")
        assert await outcomes(through, "n1", FORWARD, 0.05)
        assert await outcomes(direct, "n2", {}, 0.05)
        address, port = data_address(folder, "n2")
        await nft(RULES.format(address=address, port=port))
        during = await asyncio.gather(outcomes(through, "n1", FORWARD, cut_s), outcomes(direct, "n2", {}, cut_s))
        await nft("delete table inet cut")
        healed = await asyncio.gather(until_reply(through, "n1", FORWARD), until_reply(direct, "n2", {}))
        print(json.dumps({"nodes": during[0], "client": during[1], "healed_s": healed}))


if __name__ == "__main__":
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    asyncio.run(main(Path(sys.argv[1]), float(sys.argv[2])))
