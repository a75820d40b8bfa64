"""The logs of a process, read from outside: their form, and that no secret is in them."""

import json
import subprocess
import sys
import textwrap
from typing import Any

import pytest

from tests.servers import CHECKOUT

PASSWORD = "correct-horse-battery"

HEAD = """
import logging, sys
from libs.common.logging import get_logger, setup_logging
from libs.common.settings import ServiceSettings, load_settings

setup_logging(load_settings(ServiceSettings), "demo")
log = get_logger("demo.module")
foreign = logging.getLogger("some.library")
"""


def output_of(program: str, **variables: str) -> str:
    """Run a program after the set-up of the logs; return what it wrote, wherever."""
    done = subprocess.run(  # noqa: S603 - our own command line
        [sys.executable, "-c", HEAD + textwrap.dedent(program)],
        cwd=CHECKOUT,
        env={
            "PATH": "/usr/bin:/bin",
            "CASSIOPEIA_REDIS_URL": f"redis://:{PASSWORD}@broker:6379/0",
            **variables,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
    return done.stdout


def lines_of(program: str, **variables: str) -> list[dict[str, Any]]:
    """Return the JSON lines that a program wrote."""
    return [json.loads(line) for line in output_of(program, **variables).splitlines()]


FAILURES = f"""
class Client:
    def __repr__(self):
        return "Client({PASSWORD})"

def fail(client, api_key):
    try:
        raise ValueError("redis://:{PASSWORD}@broker refused api_key")
    except ValueError as error:
        raise RuntimeError("GET /feed?api_key={PASSWORD}") from error

try:
    fail(Client(), "{PASSWORD}")
except RuntimeError as error:
    caught = error
    log.exception("with_exception")
    foreign.exception("from a library")
log.error("with_exc_info", exc_info=caught)
log.warning("plain", url="redis://:{PASSWORD}@broker:6379/0", nested={{"deep": ["{PASSWORD}"]}})
log.warning("object", client=Client(), raw=b"password={PASSWORD}")
foreign.warning("connecting to %s", "redis://:{PASSWORD}@broker")
foreign.warning("headers", extra={{"headers": {{"Authorization": "Bearer {PASSWORD}"}}}})
"""


@pytest.mark.parametrize("form", ["json", "console"])
def test_no_secret_is_ever_written(form: str) -> None:
    """Messages, fields, exceptions and their tracebacks have `***` where a secret was."""
    output = output_of(FAILURES, CASSIOPEIA_LOG_FORMAT=form)
    assert PASSWORD not in output
    assert output.count("***") >= 8


@pytest.mark.parametrize("form", ["json", "console"])
def test_an_exception_is_told_with_its_place_and_its_cause(form: str) -> None:
    """Every way to log an exception shows type, message, function and cause, but no variables."""
    output = output_of(FAILURES, CASSIOPEIA_LOG_FORMAT=form)
    # Newer Pythons show the lines of the program, too.
    assert output.count("RuntimeError") >= 3
    assert output.count("ValueError") >= 3
    assert "fail" in output
    # The one line that logs the object shows it; the local variable of `fail` does not appear.
    assert output.count("Client(***)") == 1


def test_a_line_is_one_json_object() -> None:
    """JSON lines carry time, level, logger, service and replica, and the fields as they are."""
    (ours, theirs) = lines_of(
        'log.info("batch", entries=3, duration_s=0.5, nothing=None)\nforeign.warning("words")',
        CASSIOPEIA_REPLICA="7",
    )
    assert ours["event"] == "batch"
    assert (ours["entries"], ours["duration_s"], ours["nothing"]) == (3, 0.5, None)
    assert theirs["event"] == "words"
    for line, level, logger in (
        (ours, "info", "demo.module"),
        (theirs, "warning", "some.library"),
    ):
        assert (line["level"], line["logger"]) == (level, logger)
        assert (line["service"], line["replica"]) == ("demo", "7")
        assert line["timestamp"].endswith("Z")


def test_without_a_terminal_lines_are_json() -> None:
    """What goes to a file or a pipe is for machines, unless told otherwise."""
    assert json.loads(output_of('log.info("hello")', CASSIOPEIA_LOG_FORMAT="auto"))
    text = output_of('log.info("hello", entries=3)', CASSIOPEIA_LOG_FORMAT="console")
    assert "hello" in text
    assert not text.startswith("{")


def test_the_level_holds_for_everybody() -> None:
    """Lines below the level are not written, ours or a library's."""
    program = """
    log.info("ours"); foreign.info("theirs"); log.warning("ours"); foreign.warning("theirs")
    """
    lines = lines_of(program, CASSIOPEIA_LOG_LEVEL="warning")
    assert [(line["level"], line["event"]) for line in lines] == [
        ("warning", "ours"),
        ("warning", "theirs"),
    ]


def test_chatty_libraries_are_quiet() -> None:
    """What libraries say per message, per request and per failed connection is not written."""
    program = """
    logging.getLogger("faststream").info("Received")
    logging.getLogger("faststream").error("broken")
    logging.getLogger("aiohttp.access").info("GET /live")
    logging.getLogger("psycopg.pool").warning("error connecting")
    """
    assert [line["event"] for line in lines_of(program)] == ["broken"]
