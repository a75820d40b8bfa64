"""The HTTP client: what each way to fail is called, and what a call may cost."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from redis.asyncio import Redis

from libs.common import metrics
from libs.common.clock import SystemClock
from libs.common.errors import (
    AccessRefusedError,
    BodyRejectedError,
    BodyTooLargeError,
    BudgetExhaustedError,
    NotUpdatedError,
    RateLimitedError,
    RequestRejectedError,
    ServerFaultError,
    UnreachableError,
    UpstreamError,
    UpstreamTimeoutError,
)
from libs.common.polling.budget import Budget, Limit
from libs.common.upstream.client import USER_AGENT, ClientOptions, UpstreamClient, Validators
from tests.upstreams.faults import Fault
from tests.upstreams.server import running
from tests.upstreams.wheretheiss import WhereTheIss

PLENTY = Limit(calls=1_000, period_s=60)
PATH = "/satellites/25544"

Make = Callable[..., UpstreamClient]
Answering = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest_asyncio.fixture
async def make(broker_client: Redis) -> AsyncIterator[Make]:
    """Give a maker of clients: of an address, with limits, and options by keyword."""
    async with aiohttp.ClientSession() as session:

        def client(url: str, *limits: Limit, **options: Any) -> UpstreamClient:
            return UpstreamClient(
                session,
                base_url=url,
                budget=Budget(broker_client, upstream="demo", limits=limits or (PLENTY,)),
                options=ClientOptions(**{"timeout_s": 10.0, **options}),
                clock=SystemClock(),
            )

        yield client


@pytest_asyncio.fixture
async def simulator() -> AsyncIterator[WhereTheIss]:
    """Give a healthy upstream."""
    async with running(WhereTheIss()) as healthy:
        yield healthy


@asynccontextmanager
async def answering(handler: Answering) -> AsyncIterator[str]:
    """Run a server that answers every request as it is told; yield its address."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def sending(answer: bytes) -> AsyncIterator[str]:
    """Run a server that sends these bytes, which no library would; yield its address."""

    async def send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(send, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def failure(
    client: UpstreamClient, kind: type[UpstreamError] = UpstreamError
) -> UpstreamError:
    """Return how a call fails."""
    with pytest.raises(kind) as caught:
        await client.get_json(PATH)
    assert type(caught.value) is kind or kind is UpstreamError
    return caught.value


async def test_an_answer_has_everything_that_came(make: Make, simulator: WhereTheIss) -> None:
    """Document, bytes, time and address of an answer; the address is without the query."""
    before = datetime.now(UTC)
    answer = await make(simulator.url).get_json(PATH, {"units": "kilometers"})
    assert answer.document["id"] == 25_544
    assert answer.body.startswith(b'{"name":"iss"')
    assert answer.url == f"{simulator.url}{PATH}"
    assert before <= answer.fetched_at <= datetime.now(UTC)
    (call,) = simulator.log.calls
    assert (call.path, call.query, call.user_agent) == (PATH, "units=kilometers", USER_AGENT)


@pytest.mark.parametrize(
    ("fault", "kind", "message"),
    [
        (Fault.ERROR_500, ServerFaultError, "demo answered 500: Sorry."),
        (Fault.TOO_MANY_429, RateLimitedError, "demo answered 429"),
        (Fault.TOO_MANY_429_RETRY_AFTER, RateLimitedError, "demo answered 429"),
        (Fault.FORBIDDEN_403, AccessRefusedError, "demo answered 403: Sorry."),
        (Fault.HTML_200, BodyRejectedError, "demo sent text/html that is not JSON"),
        (Fault.TRUNCATED_JSON, BodyRejectedError, "demo sent application/json that is not JSON"),
        (Fault.HUGE_BODY, BodyTooLargeError, "demo sent more than 65536 bytes"),
        (Fault.HUGE_BODY_GZIP, BodyTooLargeError, "demo sent more than 65536 bytes"),
        (Fault.HANG, UpstreamTimeoutError, "demo did not answer within 0.3 s"),
        (Fault.SLOW_BODY, UpstreamTimeoutError, "demo did not answer within 0.3 s"),
        (Fault.RESET, UnreachableError, "demo: "),
    ],
)
async def test_each_fault_has_its_error(
    make: Make, simulator: WhereTheIss, fault: Fault, kind: type[UpstreamError], message: str
) -> None:
    """Every way to fail is told apart, says what came, and is over for the next call."""
    simulator.fault = fault
    timeout_s = 0.3 if kind is UpstreamTimeoutError else 10.0
    client = make(simulator.url, max_body_bytes=65_536, timeout_s=timeout_s)
    assert str(await failure(client, kind)).startswith(message)
    assert simulator.calls == 1
    simulator.fault = None
    if kind is not RateLimitedError:
        assert (await client.get_json(PATH)).document["id"] == 25_544


@pytest.mark.parametrize("fault", [Fault.HUGE_BODY, Fault.HUGE_BODY_GZIP])
async def test_a_huge_body_is_not_read_to_its_end(
    make: Make, simulator: WhereTheIss, fault: Fault
) -> None:
    """Reading stops near the cap, also where 50 MB are some kilobytes on the wire."""
    simulator.fault = fault
    await failure(make(simulator.url, max_body_bytes=65_536), BodyTooLargeError)
    assert simulator.bytes_streamed < simulator.huge_body_bytes / 2


async def test_a_body_at_the_cap_is_taken(make: Make) -> None:
    """The cap is the largest size that is taken."""
    body = b'"' + b"x" * 998 + b'"'

    async def reply(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    async with answering(reply) as url:
        assert (await make(url, max_body_bytes=1_000).get_json(PATH)).body == body
        await failure(make(url, max_body_bytes=999), BodyTooLargeError)


async def test_a_rejected_body_is_kept_whole(make: Make, simulator: WhereTheIss) -> None:
    """What is no JSON can be looked at later, byte by byte."""
    simulator.fault = Fault.TRUNCATED_JSON
    error = await failure(make(simulator.url), BodyRejectedError)
    assert isinstance(error, BodyRejectedError)
    assert error.body.startswith(b'{"name":"iss"')
    assert not error.body.endswith(b"}")


@pytest.mark.parametrize(
    "body", [b"", b"NaN", b'{"a": Infinity}', b"\xff\xfe{", b"[" * 100_000, b'{"a": 1'], ids=repr
)
async def test_what_is_no_json_is_rejected(make: Make, body: bytes) -> None:
    """Numbers that JSON does not have, broken text and endless nesting are rejected bodies."""

    async def reply(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    async with answering(reply) as url:
        error = await failure(make(url), BodyRejectedError)
        assert isinstance(error, BodyRejectedError)
        assert error.body == body


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(make: Make, status: int) -> None:
    """Another host than the configured one is never asked; the message says where it went."""
    paths = []

    async def reply(request: web.Request) -> web.Response:
        paths.append(request.path)
        return web.Response(status=status, headers={"Location": "/elsewhere"})

    async with answering(reply) as url:
        error = await failure(make(url), RequestRejectedError)
    assert str(error) == "demo has moved to another path: set its URL anew"
    assert paths == [PATH]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, RequestRejectedError),
        (404, RequestRejectedError),
        (401, AccessRefusedError),
        (403, AccessRefusedError),
        (304, NotUpdatedError),
        (500, ServerFaultError),
        (503, ServerFaultError),
        (204, RequestRejectedError),
    ],
)
async def test_each_status_has_its_error(
    make: Make, status: int, kind: type[UpstreamError]
) -> None:
    """Whatever is not 200 is an error of its kind, even with a body that could be right."""

    async def reply(_: web.Request) -> web.Response:
        return web.Response(status=status, body=None if status in (204, 304) else b'{"id": 25544}')

    async with answering(reply) as url:
        await failure(make(url), kind)


async def test_an_error_page_is_cut(make: Make) -> None:
    """Of an error's text some hundred characters are kept, on one line."""

    async def reply(_: web.Request) -> web.Response:
        return web.Response(status=500, text="<p>\r\n" * 10_000)

    async with answering(reply) as url:
        message = str(await failure(make(url), ServerFaultError))
    assert len(message) < 500
    assert "\n" not in message


async def test_an_upstream_that_is_not_there_is_unreachable(make: Make) -> None:
    """A refused connection is told with its reason."""
    error = await failure(make("http://127.0.0.1:9"), UnreachableError)
    assert str(error).startswith("demo: ")


async def test_a_broken_answer_is_unreachable(make: Make) -> None:
    """An answer whose compression is broken is a fault of the way, and no crash."""

    async def reply(_: web.Request) -> web.Response:
        return web.Response(body=b'{"id": 25544}', headers={"Content-Encoding": "gzip"})

    async with answering(reply) as url:
        await failure(make(url), UnreachableError)


@pytest.mark.parametrize(
    ("headers", "body", "wait_s"),
    [
        ({"Retry-After": "120"}, "", 120),
        ({"Retry-After": format_datetime(datetime.now(UTC) + timedelta(hours=1))}, "", 3_600),
        ({}, "Expected available in 900 seconds.", 900),
        ({}, "", 30),
        ({"Retry-After": "9" * 30}, "", 86_400),
        ({"Retry-After": "120", "X-Rate-Limit-Remaining": "0"}, "", 120),
    ],
    ids=["seconds", "date", "words", "nothing", "absurd", "and none left"],
)
async def test_a_wish_to_wait_is_obeyed_by_all(
    make: Make, headers: dict[str, str], body: str, wait_s: float
) -> None:
    """After a 429, no process calls for as long as was asked, in whatever form."""

    async def reply(_: web.Request) -> web.Response:
        return web.Response(status=429, headers=headers, text=body)

    async with answering(reply) as url:
        await failure(make(url), RateLimitedError)
        refused = await failure(make(url), BudgetExhaustedError)
    assert isinstance(refused, BudgetExhaustedError)
    assert wait_s - 120 < refused.wait_s <= wait_s


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, RequestRejectedError),
        (403, AccessRefusedError),
        (404, RequestRejectedError),
        (500, ServerFaultError),
    ],
)
async def test_a_wish_to_wait_is_obeyed_whatever_comes_with_it(
    make: Make, status: int, kind: type[UpstreamError]
) -> None:
    """The error is what it is; nobody calls before the time is over, nor tries again."""
    calls = 0

    async def reply(_: web.Request) -> web.Response:
        nonlocal calls
        calls += 1
        return web.Response(status=status, headers={"Retry-After": "600"})

    async with answering(reply) as url:
        error = await failure(make(url, attempts=3), kind)
        assert error.retry_after_s == 600
        refused = await failure(make(url), BudgetExhaustedError)
    assert isinstance(refused, BudgetExhaustedError)
    assert 480 < refused.wait_s <= 600
    assert calls == 1


async def test_a_last_answer_may_say_for_how_long(make: Make) -> None:
    """An answer that was the last for now and says until when is taken at its word."""

    async def reply(_: web.Request) -> web.Response:
        return web.json_response({}, headers={"X-RateLimit-Remaining": "0", "Retry-After": "600"})

    async with answering(reply) as url:
        await make(url).get_json(PATH)
        refused = await failure(make(url), BudgetExhaustedError)
    assert isinstance(refused, BudgetExhaustedError)
    assert 480 < refused.wait_s <= 600


async def test_a_503_that_asks_to_wait_is_obeyed(make: Make) -> None:
    """An upstream under maintenance says how long with 503; that is a wish like that of a 429."""

    async def reply(_: web.Request) -> web.Response:
        return web.Response(status=503, headers={"Retry-After": "600"}, text="maintenance")

    async with answering(reply) as url:
        error = await failure(make(url, attempts=3), RateLimitedError)
        assert isinstance(error, RateLimitedError)
        assert error.retry_after_s == 600
        await failure(make(url), BudgetExhaustedError)


@pytest.mark.parametrize("header", ["X-Rate-Limit-Remaining", "X-RateLimit-Remaining"])
async def test_an_upstreams_own_count_is_obeyed(make: Make, header: str) -> None:
    """An answer that says that it was the last for now is taken, and no further call is made."""

    async def reply(_: web.Request) -> web.Response:
        return web.json_response({}, headers={header: "0"})

    async with answering(reply) as url:
        assert (await make(url).get_json(PATH)).document == {}
        await failure(make(url), BudgetExhaustedError)


async def test_what_is_known_is_not_asked_again(make: Make) -> None:
    """The validators of an answer go with the next request; a 304 means: keep what you have."""
    asked = []

    async def reply(request: web.Request) -> web.Response:
        asked.append(
            (request.headers.get("If-None-Match"), request.headers.get("If-Modified-Since"))
        )
        known = "If-None-Match" in request.headers
        return web.json_response(
            {},
            status=304 if known else 200,
            headers={"ETag": '"v1"', "Last-Modified": "Sun, 01 Mar 2026 12:00:00 GMT"},
        )

    async with answering(reply) as url:
        answer = await make(url).get_json(PATH)
        assert answer.validators == Validators('"v1"', "Sun, 01 Mar 2026 12:00:00 GMT")
        with pytest.raises(NotUpdatedError):
            await make(url).get_json(PATH, validators=answer.validators)
    assert asked == [(None, None), ('"v1"', "Sun, 01 Mar 2026 12:00:00 GMT")]


async def test_a_retry_may_succeed(make: Make) -> None:
    """A server's fault is tried again, as often as allowed."""
    answers = [500, 500, 200]

    async def reply(_: web.Request) -> web.Response:
        return web.json_response({"left": len(answers)}, status=answers.pop(0))

    async with answering(reply) as url:
        assert (await make(url, attempts=3).get_json(PATH)).document == {"left": 1}


async def test_every_try_is_a_call(make: Make, simulator: WhereTheIss) -> None:
    """Retries are counted like calls: when the limit is used up, there are no more of them."""
    simulator.fault = Fault.ERROR_500
    client = make(simulator.url, Limit(calls=2, period_s=60), attempts=5)
    await failure(client, BudgetExhaustedError)
    assert simulator.calls == 2


@pytest.mark.parametrize("fault", [Fault.FORBIDDEN_403, Fault.HTML_200, Fault.TOO_MANY_429])
async def test_what_will_not_help_is_not_tried_again(
    make: Make, simulator: WhereTheIss, fault: Fault
) -> None:
    """A refusal, a wrong body and a wish to wait are answers: asking again would be abuse."""
    simulator.fault = fault
    await failure(make(simulator.url, attempts=5))
    assert simulator.calls == 1


async def test_a_call_that_is_a_moment_early_waits(make: Make, simulator: WhereTheIss) -> None:
    """When the next call is allowed within a second, it is made then, and not refused."""
    client = make(simulator.url, Limit(calls=1, period_s=0.3))
    for _ in range(3):
        await client.get_json(PATH)
    assert simulator.calls == 3


async def test_no_call_is_made_without_budget(make: Make, simulator: WhereTheIss) -> None:
    """The upstream does not even see what the limit forbids."""
    client = make(simulator.url, Limit(calls=1, period_s=60))
    await client.get_json(PATH)
    await failure(client, BudgetExhaustedError)
    assert simulator.calls == 1


async def test_calls_are_counted_by_their_outcome(make: Make, simulator: WhereTheIss) -> None:
    """The metric tells good calls from bad ones."""

    def count(outcome: str) -> float:
        labels = {"upstream": "demo", "outcome": outcome}
        name = "cassiopeia_upstream_calls_total"
        return metrics.REGISTRY.get_sample_value(name, labels) or 0.0

    good, bad = count("ok"), count("ServerFaultError")
    client = make(simulator.url)
    await client.get_json(PATH)
    simulator.fault = Fault.ERROR_500
    await failure(client, ServerFaultError)
    assert (count("ok") - good, count("ServerFaultError") - bad) == (1, 1)


async def test_a_key_in_the_query_is_in_no_message(make: Make, simulator: WhereTheIss) -> None:
    """Neither an answer nor an error repeats the query, which may hold a key."""
    client = make(simulator.url, timeout_s=0.3)
    key = {"api_key": "correct-horse"}
    assert "correct-horse" not in repr(await client.get_json(PATH, key))
    for fault in (Fault.ERROR_500, Fault.HTML_200, Fault.RESET, Fault.HANG, Fault.HUGE_BODY_GZIP):
        simulator.fault = fault
        with pytest.raises(UpstreamError) as caught:
            await client.get_json(PATH, key)
        assert "correct-horse" not in repr(caught.value)


async def test_the_library_does_not_ask_twice(make: Make) -> None:
    """A connection that ends without an answer is one call, although aiohttp would repeat it."""
    calls = 0

    async def reply(request: web.Request) -> web.Response:
        nonlocal calls
        calls += 1
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    async with answering(reply) as url:
        error = await failure(make(url), UnreachableError)
    assert "disconnected" in str(error).lower()
    assert calls == 1


async def test_what_cannot_be_stored_is_in_no_document(make: Make) -> None:
    """Halves of characters are replaced, once for all who read; the body is kept as it came."""
    body = b'{"\\ud800": ["a\\u0000b", 1e999, "\\ud83d\\ude80"]}'

    async def reply(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    async with answering(reply) as url:
        answer = await make(url).get_json(PATH)
    assert answer.document == {"\ufffd": ["a\ufffdb", None, "\U0001f680"]}
    assert answer.body == body


async def test_a_document_without_end_is_rejected(make: Make) -> None:
    """What is nested deeper than anything honest is refused, and kept as it came."""
    body = b"[" * 300 + b"]" * 300

    async def reply(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    async with answering(reply) as url:
        error = await failure(make(url), BodyRejectedError)
    assert str(error) == "demo sent what cannot be kept: nested deeper than 50 levels"
    assert error.rejects == ((body, str(error)),)


@pytest.mark.parametrize(
    ("location", "named"),
    [
        (b"https://user:word@elsewhere.example/p?api_key=abc", "https://elsewhere.example"),
        (b"//elsewhere.example/p", "https://elsewhere.example"),
        (b"/caf\xe9?api_key=abc", "another path"),
        (b"https://h\xe9st/", "https://h\\udce9st"),
        (b"http://[::1/", "another path"),
    ],
)
async def test_a_redirect_is_told_without_what_it_holds(
    make: Make, location: bytes, named: str
) -> None:
    """Only where it leads: paths and queries of others are no news, and may hold our key."""
    head = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: "
    async with sending(head + location + b"\r\n\r\n") as url:
        error = await failure(make(url), RequestRejectedError)
    assert str(error) == f"demo has moved to {named}: set its URL anew"


async def test_validators_that_cannot_be_sent_back_are_none(make: Make) -> None:
    """A byte that is no ASCII in a header is as good as no header."""
    head = b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nETag: "caf\xe9"\r\nLast-Modified: \xff\r\n'
    async with sending(head + b"\r\n{}") as url:
        answer = await make(url).get_json(PATH)
    assert answer.validators == Validators()


async def test_a_broken_head_does_not_tell_the_query(make: Make) -> None:
    """The library's words about an answer that is no HTTP hold the address, key and all."""
    async with sending(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000 + b"\r\n\r\n") as url:
        with pytest.raises(UnreachableError) as caught:
            await make(url).get_json(PATH, {"api_key": "correct-horse"})
    assert "correct-horse" not in str(caught.value)


async def test_a_key_that_comes_back_is_masked(make: Make) -> None:
    """An upstream that repeats the key, in whatever spelling, does so to nobody else."""

    async def reply(_: web.Request) -> web.Response:
        return web.Response(status=400, text='{"a":"k\\u0065y/12345","b":"?k=key%2F12345"}')

    async with answering(reply) as url:
        error = await failure(make(url, secrets=("key/12345",)), RequestRejectedError)
    assert str(error) == 'demo answered 400: {"a":"***","b":"?k=***"}'
