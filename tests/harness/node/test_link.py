"""Calls and sends against real sockets that misbehave: what is known about delivery is exact."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from harness.node import Closed, Refused, Timeout
from harness.node.connection import BUFFER_BYTES_MAX
from harness.node.link import QUEUE_FRAMES_MAX, Connect, Link, connect
from harness.node.wire import Decoder, Envelope, encode_body, frame, quote
from tests.harness.node.cluster import until

Streams = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
BODY = encode_body({"type": "test"})


@asynccontextmanager
async def server(serve: Streams) -> AsyncIterator[tuple[str, int]]:
    """A server whose every connection is served by the given function."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve_and_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        finally:
            writer.transport.abort()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.ensure_future(serve_and_close(reader, writer)))

    listening = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield listening.sockets[0].getsockname()[:2]
    finally:
        listening.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def link_to(address: tuple[str, int], connect: Connect = connect) -> AsyncIterator[tuple[Link, Counter[str]]]:
    counters: Counter[str] = Counter()

    def count(name: str, by: int) -> None:
        if by:
            counters[name] += by

    link = Link("c1", "n1", address, connect, count)
    try:
        yield link, counters
    finally:
        link.close()
        await asyncio.sleep(0)


async def envelopes(reader: asyncio.StreamReader) -> AsyncIterator[Envelope]:
    decoder = Decoder()
    while data := await reader.read(1 << 16):
        for envelope in decoder.feed(data):
            yield envelope


def reply_to(envelope: Envelope) -> bytes:
    return frame("reply", envelope.id, quote("n1"), encode_body({"was": envelope.body}))


async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    async for envelope in envelopes(reader):
        writer.write(reply_to(envelope))


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


def unused_port() -> tuple[str, int]:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        address: tuple[str, int] = sock.getsockname()
    return address


def test_a_call_brings_its_reply() -> None:
    async def scenario() -> None:
        async with server(answering) as address, link_to(address) as (link, counters):
            replies = await asyncio.gather(*(link.call(encode_body({"i": i}), 1000) for i in range(100)))
            assert replies == [{"was": {"i": i}} for i in range(100)]
            assert counters == {"net.sent": 100, "net.received": 100}

    asyncio.run(scenario())


def test_nobody_listening_is_refused_at_once_and_the_next_call_tries_again() -> None:
    async def scenario() -> None:
        address = unused_port()
        async with link_to(address) as (link, counters):
            started = asyncio.get_running_loop().time()
            for _ in range(10):
                with pytest.raises(Refused):
                    await link.call(BODY, 1000)
            assert asyncio.get_running_loop().time() - started < 0.5, "a call does not wait for the backoff"
            assert counters == {"net.refused": 10}
            listening = await asyncio.start_server(answering, *address)
            assert await link.call(BODY, 1000) == {"was": {"type": "test"}}
            listening.close()

    asyncio.run(scenario())


def test_no_answer_to_the_connection_is_refused_not_timeout() -> None:
    async def never(address: str, port: int) -> socket.socket:
        await asyncio.Event().wait()
        raise AssertionError("nobody sets this event")

    async def scenario() -> None:
        async with link_to(("127.0.0.1", 1), never) as (link, counters):
            with pytest.raises(Refused, match="within 50 ms"):
                await link.call(BODY, 50)
            with pytest.raises(Refused, match=r"within 1\.2 s"):
                await link.call(BODY, 5000)
            assert counters["net.refused"] == 2

    asyncio.run(scenario())


def test_a_later_attempt_of_the_same_round_may_succeed() -> None:
    attempts = []

    async def lossy(address: str, port: int) -> socket.socket:
        attempts.append(address)
        if len(attempts) < 3:
            await asyncio.Event().wait()
        return await connect(address, port)

    async def scenario() -> None:
        async with server(answering) as address, link_to(address, lossy) as (link, _):
            await link.call(BODY, 2000)
        assert len(attempts) == 3

    asyncio.run(scenario())


def test_silence_is_a_timeout_and_late_replies_are_ignored() -> None:
    async def late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async for envelope in envelopes(reader):
            await asyncio.sleep(0.1 if envelope.id == 1 else 0)
            writer.write(reply_to(envelope))

    async def scenario() -> None:
        async with server(late) as address, link_to(address) as (link, counters):
            with pytest.raises(Timeout):
                await link.call(encode_body({"i": 1}), 30)
            assert await link.call(encode_body({"i": 2}), 1000) == {"was": {"i": 2}}
            assert counters["net.timeout"] == 1

    asyncio.run(scenario())


@pytest.mark.parametrize("last_words", [b"", b"\0\0\0\2hi", b"\xff\xff\xff\xff"])
def test_an_end_or_rubbish_after_the_request_is_closed(last_words: bytes) -> None:
    async def rude(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(last_words)
        await writer.drain()
        if last_words:
            await reader.read()

    async def scenario() -> None:
        async with server(rude) as address, link_to(address) as (link, counters):
            ended = await asyncio.gather(*(link.call(BODY, 2000) for _ in range(3)), return_exceptions=True)
            assert [type(end) for end in ended] == [Closed] * 3
            assert counters["net.closed"] == 3

    asyncio.run(scenario())


def test_an_error_from_the_other_side_is_closed_with_its_reason() -> None:
    async def refusing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async for envelope in envelopes(reader):
            writer.write(frame("error", envelope.id, quote("n1"), encode_body({"reason": "too large"})))

    async def scenario() -> None:
        async with server(refusing) as address, link_to(address) as (link, _):
            with pytest.raises(Closed, match="too large"):
                await link.call(BODY, 1000)

    asyncio.run(scenario())


def test_sends_arrive_in_order_across_the_opening_of_the_connection() -> None:
    arrived: list[int] = []

    async def noting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async for envelope in envelopes(reader):
            assert envelope.kind == "send"
            arrived.append(envelope.body["i"])

    async def scenario() -> None:
        async with server(noting) as address, link_to(address) as (link, _):
            for i in range(200):
                link.send(encode_body({"i": i}))
                if i % 50 == 0:
                    await asyncio.sleep(0.005)
            await until(lambda: len(arrived) == 200)

    asyncio.run(scenario())
    assert arrived == list(range(200))


def test_a_link_to_a_dead_node_keeps_little_and_drops_it_when_the_round_fails() -> None:
    async def scenario() -> None:
        async with link_to(unused_port()) as (link, counters):
            for _ in range(QUEUE_FRAMES_MAX + 10):
                link.send(BODY)
            assert counters["net.dropped_queue"] == 10
            await until(lambda: counters["net.refused"] > 0)
            assert counters["net.dropped_queue"] == QUEUE_FRAMES_MAX + 10

    asyncio.run(scenario())


def test_who_asks_again_while_being_refused_is_not_forgotten() -> None:
    async def ask_twice(link: Link) -> None:
        for _ in range(2):
            with pytest.raises(Refused, match="Connect call failed"):
                await link.call(BODY, 3000)

    async def scenario() -> None:
        async with link_to(unused_port()) as (link, _):
            await asyncio.gather(*(ask_twice(link) for _ in range(20)))

    asyncio.run(asyncio.wait_for(scenario(), 2))


def test_a_node_that_does_not_read_is_refused_once_its_buffers_are_full() -> None:
    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async def scenario() -> None:
        large = encode_body({"data": "x" * 4_000_000})
        async with server(deaf) as address, link_to(address) as (link, counters):
            with pytest.raises(Timeout):
                await link.call(BODY, 20)
            for _ in range(BUFFER_BYTES_MAX // len(large) + 3):
                link.send(large)
            assert counters["net.dropped_queue"] >= 1
            with pytest.raises(Refused, match="does not take more"):
                await link.call(BODY, 1000)

    asyncio.run(scenario())


def test_a_connection_whose_bytes_nobody_acknowledges_is_given_up() -> None:
    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async def scenario() -> None:
        async with server(deaf) as address, link_to(address) as (link, _):
            for _ in range(2):
                link.send(encode_body({"data": "x" * 8_000_000}))
            with pytest.raises(Closed, match=r"\d+ bytes unacknowledged for"):
                await link.call(BODY, 5000)

    asyncio.run(scenario())


def test_a_connection_on_which_nothing_comes_back_is_replaced() -> None:
    connections = []

    async def first_is_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        await (silent if len(connections) == 1 else answering)(reader, writer)

    async def scenario() -> None:
        async with server(first_is_silent) as address, link_to(address) as (link, _):
            with pytest.raises(Timeout):
                await link.call(BODY, 600)
            assert await link.call(BODY, 1000)
            assert len(connections) == 2

    asyncio.run(scenario())


def test_a_closed_link_refuses_and_lets_go() -> None:
    async def scenario() -> None:
        async with server(silent) as address, link_to(address) as (link, _):
            call = asyncio.ensure_future(link.call(BODY, 5000))
            await asyncio.sleep(0.05)
            link.close()
            with pytest.raises(Closed):
                await call
            with pytest.raises(Refused):
                await link.call(BODY, 5000)

    asyncio.run(asyncio.wait_for(scenario(), 2))
