"""Secrets that are read from files, and their removal from everything that is logged."""

import os
import re
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from urllib.parse import unquote, urlsplit

from libs.common.errors import ConfigurationError

_SUFFIX = "_FILE"
_URL_PASSWORD = re.compile(
    r"(?P<head>(?<![a-z0-9+.-])[a-z0-9+.-]+://[^\s:/@]*):[^\s@/]+@", re.IGNORECASE
)
_KEY_PARAMETER = re.compile(
    r"(?P<head>[?&\"'\s](?:sentinel_)?(?:api_?key|apikey|token|password|secret)=)[^&\s\"']+",
    re.IGNORECASE,
)
_AUTHORIZATION = re.compile(
    r"(?P<head>\b(?:basic|bearer|token)\s+)[a-z0-9+/=._-]{8,}", re.IGNORECASE
)
_MASK = "***"
# Shorter values occur in ordinary words; masking them would garble the logs.
_SHORTEST_SECRET = 6


def read_secret_files(environment: Mapping[str, str], prefix: str) -> dict[str, str]:
    """Return the contents of the files that `<NAME>_FILE` variables point to, by `NAME`.

    Raises:
        ConfigurationError: A file cannot be read, or `NAME` and `NAME_FILE` are both set.
    """
    values: dict[str, str] = {}
    for variable, path in environment.items():
        if not (path and variable.startswith(prefix) and variable.endswith(_SUFFIX)):
            continue
        name = variable.removesuffix(_SUFFIX)
        if environment.get(name):
            raise ConfigurationError(f"{name} and {variable} are both set: keep one of them")
        try:
            values[name] = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(
                f"{variable}={path}: expected a readable text file with the secret ({error})"
            ) from error
    return values


def environment_with_secrets(prefix: str) -> dict[str, str]:
    """Return the process environment with the secret files' contents in place of their paths."""
    environment = dict(os.environ)
    for name, value in read_secret_files(environment, prefix).items():
        del environment[name + _SUFFIX]
        environment[name] = value
    return environment


class Redactor:
    """Masks secrets in text: the known ones, and whatever has the form of a secret.

    A secret is found as it is, and in the forms that it has in an address, in JSON and in HTML.
    """

    def __init__(self, known: Iterable[str] = ()) -> None:
        secrets: set[str] = set()
        for value in known:
            if "://" in value:
                # Only the password of a URL is secret. The URL holds it encoded; a library's
                # message may hold it decoded.
                password = urlsplit(value).password or ""
                secrets.update((password, unquote(password)))
            else:
                secrets.add(value)
        # Longest first: if a secret is part of a longer one, masking it first would leave the rest
        # of the longer one.
        spellings = [
            "".join(map(_spellings, secret))
            for secret in sorted(secrets, key=len, reverse=True)
            if len(secret) >= _SHORTEST_SECRET
        ]
        self._known = re.compile("|".join(spellings)) if spellings else None
        self._known_bytes = re.compile("|".join(spellings).encode()) if spellings else None

    def __call__(self, text: str) -> str:
        """Return the text with `***` where a secret stood."""
        if self._known:
            text = self._known.sub(_MASK, text)
        text = _URL_PASSWORD.sub(rf"\g<head>:{_MASK}@", text)
        text = _KEY_PARAMETER.sub(rf"\g<head>{_MASK}", text)
        return _AUTHORIZATION.sub(rf"\g<head>{_MASK}", text)

    def known_in(self, body: bytes) -> bytes:
        """Return a body with `***` where a known secret stood."""
        return self._known_bytes.sub(_MASK.encode(), body) if self._known_bytes else body


def _spellings(character: str) -> str:
    """Return a pattern that matches one character of a secret in every form that it may have."""
    forms = [re.escape("\\" + character)] if character in '"\\/' else []
    forms.append(re.escape(character))
    if not character.isalnum():
        forms.append(re.escape(escape(character)))
    if character == " ":
        forms.append(r"\+")
    octets = character.encode("utf-8", "surrogatepass")
    units = character.encode("utf-16-be", "surrogatepass")
    forms.append("(?i:" + "".join(f"%{octet:02x}" for octet in octets) + ")")
    pairs = zip(units[::2], units[1::2], strict=True)
    forms.append("(?i:" + "".join(rf"\\u{high:02x}{low:02x}" for high, low in pairs) + ")")
    # The same form twice would double the ways to fail with each character.
    return f"(?:{'|'.join(dict.fromkeys(forms))})"
