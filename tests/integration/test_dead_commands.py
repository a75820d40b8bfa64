"""`python -m services.persistence dead`: what an operator sees of dead letters, and can do."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest
from redis.asyncio import Redis

from libs.common.broker import Publisher
from libs.common.consuming.dead_letter_limit import LetterLimit
from libs.common.consuming.pending import Entry, PendingList
from libs.common.consuming.stream_consumer import ConsumerOptions
from libs.common.dead_letters import DeadLetters, Rejection
from libs.common.events import Origin, Provenance
from libs.common.topology import EVENTS_DEAD, EVENTS_ISS, EVENTS_OSDR, PERSISTENCE, Stream
from services.persistence.dead.commands import dead
from tests.factories import START, position_event, position_events
from tests.integration.consumers import Handler, all_done, command, consuming, entry_ids, letters
from tests.integration.storing import count, stored
from tests.servers import CHECKOUT
from tests.waiting import wait_until

WRONG_LATITUDE = "data.latitude_deg: Input should be less than or equal to 90"


class Answer(NamedTuple):
    """What a command said."""

    code: int
    out: str
    err: str


Run = Callable[..., Awaitable[Answer]]


@pytest.fixture
def run(
    valkey_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Run a command in this process."""
    monkeypatch.setenv("CASSIOPEIA_REDIS_URL", valkey_url)

    def code(*words: str) -> int:
        try:
            return dead(words)
        except SystemExit as ending:  # argparse's way to say that it was misunderstood
            return int(str(ending.code))

    async def answer(*words: str) -> Answer:
        capsys.readouterr()
        return Answer(await asyncio.to_thread(code, *words), *capsys.readouterr())

    return answer


async def write(
    client: Redis, *bodies: bytes, stream: Stream = EVENTS_ISS, reason: str = WRONG_LATITUDE
) -> list[str]:
    """Write letters about entries of a stream; return the letters' ids."""
    before = len(await letters(client))
    for body in bodies:
        await client.xadd(stream.key, {"__data__": body})
    answer: Any = await client.xreadgroup(PERSISTENCE, "consumer-0", {stream.key: ">"})
    rejections = [
        Rejection(Entry(stream.key, entry_id.decode(), fields[b"__data__"]), reason)
        for entry_id, fields in answer[0][1]
    ]
    pending = PendingList(client, stream=stream.key, group=PERSISTENCE, consumer="consumer-0")
    await DeadLetters(client).divert(rejections, pending=pending, at="2026-03-01T12:00:00Z")
    found: Any = await client.xrange(EVENTS_DEAD.key)
    return [letter_id.decode() for letter_id, _ in found][before:]


async def write_upstream(client: Redis, body: bytes) -> str:
    """Write a letter about the body of an upstream; return its id."""
    provenance = Provenance("osdr", Origin.LIVE, START)
    await DeadLetters(client).add_body(body, "no hits", source="osdr", provenance=provenance)
    newest: Any = await client.xrevrange(EVENTS_DEAD.key, count=1)
    return str(newest[0][0].decode())


@pytest.mark.usefixtures("publisher")
async def test_large_letters_are_read_a_few_at_a_time(broker_client: Redis, run: Run) -> None:
    """A list of a hundred large letters is complete, and never holds a hundred bodies."""
    await write(broker_client, *(b"%d" % index + bytes(2**20) for index in range(100)))
    await broker_client.config_resetstat()
    _, out, _ = await run("list")
    assert "100 dead letters" in out
    statistics = await broker_client.info("commandstats")
    assert statistics["cmdstat_xrange"]["calls"] >= 100 / 8


async def test_a_list_has_a_line_for_each_letter(
    publisher: Publisher, broker_client: Redis, run: Run
) -> None:
    """With id, time, origin and reason, oldest first, and their number at the end."""
    del publisher
    first, second = await write(broker_client, b"{}", b"[]")
    third = await write_upstream(broker_client, b"<html>")
    code, out, err = await run("list")
    assert (code, err) == (0, "")
    head, *lines, summary = out.splitlines()
    assert head.split() == ["LETTER", "WRITTEN", "FROM", "REASON"]
    assert [line.split()[0] for line in lines] == [first, second, third]
    assert lines[0].endswith(f"cassiopeia:events:iss     {WRONG_LATITUDE}")
    assert lines[2].endswith("upstream:osdr             no hits")
    assert summary == "3 dead letters"


async def test_filters_pick_letters(publisher: Publisher, broker_client: Redis, run: Run) -> None:
    """By origin, reason, time, number and id, and by all that is said together."""
    del publisher
    old = await write(broker_client, b"1", b"2")
    await asyncio.sleep(0.002)  # the next letter has another millisecond
    border = await write(broker_client, b"3", stream=EVENTS_OSDR, reason="unknown type")
    late = [*border, await write_upstream(broker_client, b"<html>")]
    milliseconds = int(border[0].partition("-")[0])
    moment = f"{milliseconds // 1_000}.{milliseconds % 1_000:03}"

    async def ids(*words: str) -> list[str]:
        answer = await run("list", *words)
        assert answer.code == 0
        return [line.split()[0] for line in answer.out.splitlines()[1:-1]]

    everything = [*old, *late]
    assert await ids() == everything
    assert await ids("--stream", "iss") == old
    assert await ids("--stream", EVENTS_OSDR.key) == border
    assert await ids("--stream", "upstream:osdr") == late[1:]
    assert await ids("--stream", "is") == []
    assert await ids("--reason", "INPUT should") == old
    assert await ids("--since", "1h") == everything
    assert await ids("--until", "1h") == []
    border_time = iso_of(float(moment))
    assert await ids("--since", border_time) == late
    assert await ids("--until", border_time) == old
    assert await ids("--limit", "3") == everything[:3]
    assert await ids("--stream", "iss", "--limit", "1") == old[:1]
    assert await ids(old[1], late[1]) == [old[1], late[1]]


def iso_of(seconds: float) -> str:
    """Return a Unix time as ISO 8601, to the millisecond."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


async def test_a_letter_is_shown_whole(
    publisher: Publisher, broker_client: Redis, run: Run
) -> None:
    """With all that is known, JSON indented, and nothing that would steer a terminal."""
    del publisher
    (good,) = await write(broker_client, b'{"name": "\xd0\x9c\xd0\x9a\xd0\xa1", "a": "\xc2\x9b"}')
    (bad,) = await write(broker_client, b"\x1b[2J\xff", reason="\x1b]0;title\x07")
    code, out, _ = await run("show", good)
    assert code == 0
    for line in (
        f"letter    {good}",
        "from      cassiopeia:events:iss",
        "group     persistence",
        "consumer  consumer-0",
        "at        2026-03-01T12:00:00Z",
        f"reason    {WRONG_LATITUDE}",
        '  "name": "\u041c\u041a\u0421",',
        '  "a": "\\x9b"',
    ):
        assert line in out.splitlines()
    _, out, _ = await run("show", bad)
    assert "\\x1b[2J\\xff" in out
    assert "\\x1b]0;title\\x07" in out
    assert out.replace("\n", "").isprintable()


async def test_a_replay_stores_what_was_mended(
    publisher: Publisher, broker_client: Redis, valkey_url: str, database_url: str, run: Run
) -> None:
    """The original bytes come again where they came from; rows appear, and the letters go."""
    del publisher
    events = position_events(3)
    await write(broker_client, *(event.encode() for event in events), reason="a bad deploy")
    code, out, _ = await run("replay", "--reason", "bad deploy")
    assert code == 0
    assert out.splitlines()[-1] == "replayed 3 letters"
    assert await letters(broker_client) == []
    found: Any = await broker_client.xrange(EVENTS_ISS.key)
    assert [fields[b"__data__"] for _, fields in found[3:]] == [event.encode() for event in events]
    await stored(valkey_url, database_url, broker_client)
    assert await count(database_url) == 3
    assert await letters(broker_client) == []


async def test_a_replay_of_what_is_still_bad_ends(
    publisher: Publisher, broker_client: Redis, valkey_url: str, run: Run
) -> None:
    """Letters that come back while a replay runs are not part of it."""
    del publisher
    bodies = [f"bad {index}".encode() for index in range(250)]
    await write(broker_client, *bodies)
    handler = Handler(rejects=lambda _: True)
    options = ConsumerOptions(letter_limit=LetterLimit(count=1_000))
    async with consuming(valkey_url, handler, options):
        code, out, _ = await run("replay", "--all")
        assert (code, out.splitlines()[-1]) == (0, "replayed 250 letters")
        await wait_until(lambda: all_done(broker_client), 10, "an empty stream")
    found = [letter["body"] for letter in await letters(broker_client)]
    assert sorted(found) == sorted(bodies)


async def test_a_replay_that_dies_loses_nothing(
    publisher: Publisher, broker_client: Redis, valkey_url: str, database_url: str, run: Run
) -> None:
    """Stopped between publishing and removing, the next replay publishes again: one row each."""
    del publisher
    events = position_events(3)
    await write(broker_client, *(event.encode() for event in events))
    await command(broker_client, "ACL", "SETUSER", "default", "-xdel")
    try:
        code, _, err = await run("replay", "--all")
    finally:
        await command(broker_client, "ACL", "SETUSER", "default", "+@all")
    assert code == 1
    assert "CASSIOPEIA_REDIS_URL" in err
    assert len(await letters(broker_client)) == 3
    assert (await run("replay", "--all")).code == 0
    assert len(await entry_ids(broker_client)) == 9
    await stored(valkey_url, database_url, broker_client)
    assert await count(database_url) == 3


async def test_the_body_of_an_upstream_cannot_be_replayed(
    publisher: Publisher, broker_client: Redis, run: Run
) -> None:
    """It came from no stream: that is said, it stays, and the others are replayed."""
    del publisher
    await write(broker_client, position_event().encode())
    upstream = await write_upstream(broker_client, b"<html>")
    code, _, err = await run("replay", upstream)
    assert code == 1
    assert "the body of an upstream is no event" in err
    code, out, err = await run("replay", "--all")
    assert (code, out.splitlines()[-1]) == (0, "replayed 1 letters")
    assert "1 letters came from no event stream and stay" in err
    assert [letter["source"] for letter in await letters(broker_client)] == [b"osdr"]


async def test_a_letter_of_another_layout_finds_its_stream(
    publisher: Publisher, broker_client: Redis, run: Run
) -> None:
    """An entry of a partition that is no more is published to its stream all the same."""
    del publisher
    fields = {"stream": f"{EVENTS_ISS.key}:7", "reason": "why", "body": b"the body"}
    await broker_client.xadd(EVENTS_DEAD.key, fields)  # type: ignore[arg-type]  # redis-py's invariant dict
    assert (await run("replay", "--stream", "iss")).code == 0
    found: Any = await broker_client.xrange(EVENTS_ISS.key)
    assert [fields for _, fields in found] == [{b"__data__": b"the body"}]


async def test_what_is_dropped_is_gone(
    publisher: Publisher, broker_client: Redis, run: Run
) -> None:
    """Only what was chosen, and nothing is published."""
    del publisher
    first, *_ = await write(broker_client, b"1", b"2", b"3")
    code, out, _ = await run("drop", first)
    assert (code, out.splitlines()[-1]) == (0, "dropped 1 letters")
    assert [letter["body"] for letter in await letters(broker_client)] == [b"2", b"3"]
    assert (await run("drop", "--stream", "iss")).out.splitlines()[-1] == "dropped 2 letters"
    assert await letters(broker_client) == []
    assert len(await entry_ids(broker_client)) == 3


@pytest.mark.parametrize("action", ["replay", "drop"])
async def test_a_dry_run_changes_nothing(
    publisher: Publisher, broker_client: Redis, run: Run, action: str
) -> None:
    """It says what would be done; letters and streams are as before."""
    del publisher
    ids = await write(broker_client, b"1", b"2")
    code, out, _ = await run(action, "--all", "--dry-run")
    assert code == 0
    *lines, summary = out.splitlines()
    assert [line.split()[0] for line in lines] == ids
    assert summary == f"would {action} 2 letters"
    assert len(await letters(broker_client)) == 2
    assert len(await entry_ids(broker_client)) == 2


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["replay"], "name letters or a filter, or say --all"),
        (["drop", "--dry-run"], "name letters or a filter, or say --all"),
        (["list", "--since", "yesterday"], "expected 30m, 2h or 7d ago, or a time such as"),
        (["list", "--limit", "0"], "expected a number of letters above 0"),
        (["show", "one"], "'one': expected an id such as 1772366400000-0"),
        (["bury"], "invalid choice"),
        ([], "required"),
    ],
)
async def test_what_is_misunderstood_is_said(run: Run, words: list[str], complaint: str) -> None:
    """A wrong command line ends with 2, and what was expected."""
    code, _, err = await run(*words)
    assert code == 2
    assert complaint in err


async def test_an_unknown_letter_is_said(broker_client: Redis, run: Run) -> None:
    """A wrong id ends with 1 and says where to find the right ones."""
    del broker_client
    code, _, err = await run("show", "1-1")
    assert code == 1
    assert err == "dead: there is no letter 1-1: see `dead list` for the ids\n"


async def test_the_broker_that_is_away_is_said(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ends with 1 and the name of the setting; a wrong setting with 78."""
    monkeypatch.setenv("CASSIOPEIA_REDIS_URL", "redis://127.0.0.1:1")
    code, _, err = await run("list")
    assert code == 1
    assert "CASSIOPEIA_REDIS_URL" in err
    monkeypatch.setenv("CASSIOPEIA_REDIS_URL", "nonsense")
    assert (await run("list")).code == 78


async def test_it_is_a_command_of_the_service(broker_client: Redis, valkey_url: str) -> None:
    """Called as an operator does, and read by a program that stops reading, it ends quietly."""
    await broker_client.xadd(EVENTS_DEAD.key, {"reason": "why", "body": json.dumps("x" * 200_000)})
    process = await asyncio.create_subprocess_exec(
        "/bin/sh",
        "-c",
        f"{sys.executable} -m services.persistence dead show --stream upstream:None | head -c 6",
        cwd=CHECKOUT,
        env={"CASSIOPEIA_REDIS_URL": valkey_url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert (out, err) == (b"letter", b"")
