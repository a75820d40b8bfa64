"""`python -m services.gateway token`: issues a token signed with the secret."""

import argparse
import sys
from collections.abc import Sequence
from datetime import timedelta

from libs.common.clock import SYSTEM_CLOCK
from libs.common.errors import ConfigurationError
from libs.common.runtime import EXIT_CONFIGURATION, EXIT_OK
from libs.common.settings import load_settings
from services.gateway.access.tokens import Tokens
from services.gateway.routing import Scope
from services.gateway.settings import GatewaySettings

_LONGEST_HOURS = 24 * 366
_NOTHING_TO_SIGN_WITH = (
    "CASSIOPEIA_TOKEN_SECRET is not set: expected the gateways' secret, 32 bytes at least"
    " (where tokens come from an identity provider, it issues them)"
)


def issue_token(arguments: Sequence[str]) -> int:
    """Print a token; return the exit code of the process."""
    chosen = _parser().parse_args(arguments)
    try:
        settings = load_settings(GatewaySettings)
    except ConfigurationError as error:
        return _fail(str(error))
    secret = settings.token_secret.get_secret_value()
    if not secret:
        return _fail(_NOTHING_TO_SIGN_WITH)
    tokens = Tokens(
        secret=secret, keys=None, issuer=settings.token_issuer, audience=settings.token_audience
    )
    scopes = frozenset(Scope(name) for name in chosen.scope)
    life = timedelta(hours=chosen.hours)
    print(tokens.issue(chosen.subject, scopes, SYSTEM_CLOCK.now(), life))  # noqa: T201 - its output
    return EXIT_OK


def _fail(reason: str) -> int:
    print(f"no token issued. {reason}", file=sys.stderr)  # noqa: T201 - to the person who asked
    return EXIT_CONFIGURATION


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m services.gateway token", description=__doc__)
    parser.add_argument("--subject", required=True, type=_subject, help="who will hold it")
    parser.add_argument(
        "--scope",
        action="append",
        required=True,
        choices=[str(scope) for scope in Scope],
        help="what it allows; may be given several times",
    )
    parser.add_argument("--hours", type=_hours, default=8.0, help="how long it is valid (8)")
    return parser


def _subject(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("expected a name")
    return text


def _hours(text: str) -> float:
    try:
        hours = float(text)
    except ValueError:
        hours = 0.0
    if not 0 < hours <= _LONGEST_HOURS:
        raise argparse.ArgumentTypeError(f"expected hours up to {_LONGEST_HOURS}, got {text}")
    return hours
