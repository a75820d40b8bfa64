"""`python -m services.persistence dead list | show | replay | drop`."""

import argparse
import asyncio
import os
import shutil
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from redis.asyncio import Redis
from redis.exceptions import RedisError

from libs.common.broker import EntryId, Publisher, connect, create_broker
from libs.common.broker.groups import stored_layout
from libs.common.errors import CassiopeiaError
from libs.common.runtime import EXIT_FAILURE, EXIT_OK, exit_code_of
from libs.common.settings import ServiceSettings, load_settings
from services.persistence.dead import acting, showing
from services.persistence.dead.letters import Selection, select
from services.persistence.durations import period

EXIT_INTERRUPTED = 130  # a shell's exit code after Ctrl-C


@dataclass(frozen=True, slots=True)
class _Broker:
    """The broker as the commands need it."""

    redis: Redis
    publisher: Publisher


_Command = Callable[[_Broker, Selection, argparse.Namespace], Awaitable[int]]


def dead(arguments: Sequence[str]) -> int:
    """Carry out one of the commands; return the exit code."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    selection = Selection(
        ids=tuple(chosen.ids),
        stream=chosen.stream,
        reason=chosen.reason,
        since=chosen.since,
        until=chosen.until,
        limit=chosen.limit,
    )
    if chosen.needs_choice and selection.is_everything and not chosen.all:
        parser.error(f"{chosen.name}: name letters or a filter, or say --all")
    try:
        settings = load_settings(ServiceSettings)
        return asyncio.run(_carry_out(settings, chosen.command, selection, chosen))
    except CassiopeiaError as error:
        _complain(str(error))
        return exit_code_of(error)
    except RedisError as error:
        _complain(f"the broker of CASSIOPEIA_REDIS_URL: {error}; what was not done yet can be")
        return EXIT_FAILURE
    except KeyboardInterrupt:
        _complain("stopped; the letters that are left can be done later")
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader, such as `head`, has closed the pipe. Without this, Python would report an
        # error when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_OK


async def _carry_out(
    settings: ServiceSettings, command: _Command, selection: Selection, chosen: argparse.Namespace
) -> int:
    url, name = settings.redis_url.get_secret_value(), "cassiopeia-dead"
    async with connect(url, name) as redis, create_broker(url, name) as broker:
        publisher = Publisher(broker, redis, await stored_layout(redis))
        return await command(_Broker(redis, publisher), selection, chosen)


async def _list(broker: _Broker, selection: Selection, _: argparse.Namespace) -> int:
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    count = 0
    async for letter in select(broker.redis, selection):
        if not count:
            _say(showing.HEAD)
        _say(showing.row(letter, width))
        count += 1
    _say(f"{count:,} dead letters")
    return EXIT_OK


async def _show(broker: _Broker, selection: Selection, _: argparse.Namespace) -> int:
    async for letter in select(broker.redis, selection):
        _say(showing.whole(letter))
    return EXIT_OK


async def _replay(broker: _Broker, selection: Selection, chosen: argparse.Namespace) -> int:
    layout = await stored_layout(broker.redis)
    replayed, homeless = 0, 0
    async for page in acting.pages(select(broker.redis, selection)):
        found = [(letter, acting.destination(letter, layout)) for letter in page]
        going = [(letter, stream) for letter, stream in found if stream is not None]
        homeless += len(found) - len(going)
        if not chosen.dry_run:
            await acting.replay(broker.publisher, broker.redis, going)
        for letter, stream in going:
            _say(f"{letter.id} -> {stream.key}")
        replayed += len(going)
    _say(f"{'would replay' if chosen.dry_run else 'replayed'} {replayed:,} letters")
    if homeless:
        _complain(
            f"{homeless:,} letters came from no event stream and stay: the body of an upstream is"
            " no event; mend its provider, and the source brings it again at its next poll"
        )
    return EXIT_FAILURE if homeless and selection.ids else EXIT_OK


async def _drop(broker: _Broker, selection: Selection, chosen: argparse.Namespace) -> int:
    dropped = 0
    async for page in acting.pages(select(broker.redis, selection)):
        if not chosen.dry_run:
            await acting.drop(broker.redis, page)
        for letter in page:
            _say(showing.row(letter))
        dropped += len(page)
    _say(f"{'would drop' if chosen.dry_run else 'dropped'} {dropped:,} letters")
    return EXIT_OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m services.persistence dead",
        description="What no consumer could take, oldest first.",
    )
    commands = parser.add_subparsers(required=True, metavar="list | show | replay | drop")
    for name, command, text in (
        ("list", _list, "one line for each letter"),
        ("show", _show, "all of each letter, its body included"),
        ("replay", _replay, "publish the bodies again where they came from"),
        ("drop", _drop, "remove letters for good"),
    ):
        each = commands.add_parser(name, help=text, description=f"{text.capitalize()}.")
        _add_selection(each)
        acts = command in (_replay, _drop)
        if acts:
            each.add_argument("--dry-run", action="store_true", help="only say what would be done")
            each.add_argument("--all", action="store_true", help="needed to mean every letter")
        each.set_defaults(command=command, name=name, needs_choice=acts)
    return parser


def _add_selection(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "ids", nargs="*", type=_letter_id, metavar="LETTER", help="its id, as `list` shows it"
    )
    parser.add_argument(
        "--stream", help="where it came from: iss, cassiopeia:events:iss, or upstream:osdr"
    )
    parser.add_argument("--reason", metavar="TEXT", help="a part of the reason")
    parser.add_argument("--since", type=_moment, metavar="WHEN", help="2h, 7d or an ISO 8601 time")
    parser.add_argument("--until", type=_moment, metavar="WHEN", help="the same; before it")
    parser.add_argument("--limit", type=_count, metavar="N", help="at most so many, oldest first")


def _letter_id(text: str) -> str:
    try:
        return str(EntryId.parse(text))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r}: expected an id such as 1772366400000-0, as `dead list` shows it"
        ) from None


def _moment(text: str) -> datetime:
    """Parse a time, or how long ago it was.

    Raises:
        argparse.ArgumentTypeError: It is neither.
    """
    try:
        return datetime.now(UTC) - period(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r}: expected 30m, 2h or 7d ago, or a time such as 2026-03-01T12:00:00Z"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _count(text: str) -> int:
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r}: expected a number of letters above 0")


def _say(text: str) -> None:
    print(text)  # noqa: T201 - a command line speaks to a person


def _complain(text: str) -> None:
    print(f"dead: {text}", file=sys.stderr)  # noqa: T201 - a command line speaks to a person
