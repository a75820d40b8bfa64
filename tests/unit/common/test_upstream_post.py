"""The upstream client sends forms and headers, and masks keys in what comes back."""

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from redis.asyncio import Redis

from libs.common.clock import SystemClock
from libs.common.polling.budget import Budget, Limit
from libs.common.upstream.client import ClientOptions, UpstreamClient
from libs.common.upstream.text import plain_text

KEY = "key-of-ours-0815"


async def test_a_form_is_posted_and_a_key_comes_back_masked(valkey_url: str) -> None:
    """The header reaches the upstream; what it echoes of it reaches nobody."""
    seen: list[tuple[str, str | None, str]] = []

    async def echo(request: web.Request) -> web.Response:
        form = await request.post()
        key = request.headers.get("X-Key")
        seen.append((request.method, key, str(form["question"])))
        return web.json_response({"you_sent": key})

    application = web.Application()
    application.router.add_post("/ask", echo)
    redis = Redis.from_url(valkey_url)
    async with TestServer(application) as server, ClientSession() as session:
        client = UpstreamClient(
            session,
            base_url=str(server.make_url("")),
            budget=Budget(redis, upstream="echo", limits=(Limit(1, 60.0),)),
            options=ClientOptions(headers={"X-Key": KEY}, secrets=(KEY,)),
            clock=SystemClock(),
        )
        answer = await client.post_form("/ask", {"question": "a&b=c"})
    await redis.aclose()
    assert seen == [("POST", KEY, "a&b=c")]
    assert answer.document == {"you_sent": "***"}
    assert KEY.encode() not in answer.body
    assert KEY not in repr(ClientOptions(headers={"X-Key": KEY}, secrets=(KEY,)))


def test_markup_that_the_parser_gives_up_on_is_text_all_the_same() -> None:
    """`<![x[` makes some versions of the parser raise; a text comes out of it."""
    assert plain_text("a <![x[ b &amp; <i>c</i>") == "a <![x[ b & c"
