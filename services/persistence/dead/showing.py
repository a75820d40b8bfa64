"""Dead letters as text, escaped, so that bodies and reasons cannot control the terminal."""

import json

from libs.common.clock import iso
from services.persistence.dead.letters import Letter

_ROW = "{:<20}  {:<24}  {:<24}  {}"
HEAD = _ROW.format("LETTER", "WRITTEN", "FROM", "REASON")


def row(letter: Letter, width: int | None = None) -> str:
    """Return a letter as one line of at most `width` characters."""
    line = _ROW.format(
        letter.id, iso(letter.written_at)[:24], printable(letter.origin), printable(letter.reason)
    )
    if width is None or len(line) <= width:
        return line
    return line[: width - 1] + "…"


def whole(letter: Letter) -> str:
    """Return all of a letter, its body as indented JSON where it is JSON."""
    facts = {
        "letter": letter.id,
        "from": letter.origin,
        **letter.details,
        "reason": letter.reason,
        "body": f"{len(letter.body):,} bytes",
    }
    lines = [f"{name:<9} {printable(value)}" for name, value in facts.items()]
    return "\n".join([*lines, _readable(letter.body), ""])


def _readable(body: bytes) -> str:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return printable(body.decode(errors="backslashreplace"))
    indented = json.dumps(document, indent=2, ensure_ascii=False)
    return "\n".join(map(printable, indented.split("\n")))


def printable(value: str) -> str:
    """Return text with every unprintable character escaped."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape", "surrogatepass").decode()
        for each in value
    )
