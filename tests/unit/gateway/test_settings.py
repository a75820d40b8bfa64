"""Wrong settings of the gateway stop the start, with what was expected."""

import json
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from libs.common.errors import ConfigurationError
from libs.common.settings import load_settings
from services.gateway.access.apikeys import digest_of, parse_api_keys
from services.gateway.settings import GatewaySettings

KEY = "0123456789abcdef"


def entry(**changes: Any) -> dict[str, Any]:
    """Return a valid entry of the API keys."""
    fields: dict[str, Any] = {"key": KEY, "per_minute": 600, "burst": 100}
    return {name: value for name, value in (fields | changes).items() if value is not None}


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("TRUSTED_PROXIES", "10.0.0.0/33", "expected addresses or CIDR blocks"),
        ("TRUSTED_PROXIES", "10.0.0.1/8", "has host bits set"),
        ("CORS_ORIGINS", "example.org", "expected origins such as https://example.org"),
        ("CORS_ORIGINS", "https://example.org/", "expected origins such as https://example.org"),
        ("TOKEN_SECRET", "short", "expected at least 32 bytes, got 5"),
        ("TOKEN_JWKS_PATH", "/nowhere/keys.json", "expected a readable JWKS file"),
        ("LIMIT_PER_MINUTE", "0", "greater than or equal to 1"),
        ("LIMIT_BURST", "3", "greater than or equal to 10"),
        ("API_KEYS", "{", "expected JSON such as"),
        ("API_KEYS", json.dumps({"a": entry(key="short")}), "a.key"),
        ("API_KEYS", json.dumps({"a": entry(key=None)}), "expected either key or sha256"),
        ("API_KEYS", json.dumps({"a": entry(sha256="0" * 64)}), "expected either key or sha256"),
        ("API_KEYS", json.dumps({"a": entry(burst=1)}), "a.burst"),
        ("API_KEYS", json.dumps({"a b": entry()}), "a b"),
        ("API_KEYS", json.dumps({"a": entry(limit=3)}), "a.limit"),
        ("API_KEYS", json.dumps({"a": entry(), "b": entry()}), "a different key for each name"),
    ],
)
def test_a_wrong_setting_is_named_with_what_was_expected(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, expected: str
) -> None:
    """And no secret is shown."""
    monkeypatch.setenv(f"CASSIOPEIA_{variable}", value)
    with pytest.raises(ConfigurationError) as caught:
        load_settings(GatewaySettings)
    assert f"CASSIOPEIA_{variable}" in str(caught.value)
    assert expected in str(caught.value)
    assert KEY not in str(caught.value)


def test_a_key_of_another_kind_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The algorithms are fixed: EdDSA and RS256."""
    public = generate_private_key(SECP256R1()).public_key()
    document = jwt.algorithms.ECAlgorithm.to_jwk(public, as_dict=True)
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": [document]}))
    monkeypatch.setenv("CASSIOPEIA_TOKEN_JWKS_PATH", str(path))
    with pytest.raises(ConfigurationError, match="expected keys for EdDSA or RS256 only"):
        load_settings(GatewaySettings)


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    """With or without spaces; an empty one is none."""
    monkeypatch.setenv("CASSIOPEIA_TRUSTED_PROXIES", "10.0.0.0/8, 192.0.2.1")
    monkeypatch.setenv("CASSIOPEIA_CORS_ORIGINS", "https://a.example,http://localhost:3000")
    settings = load_settings(GatewaySettings)
    assert [str(network) for network in settings.trusted_proxies] == ["10.0.0.0/8", "192.0.2.1/32"]
    assert settings.cors_origins == ("https://a.example", "http://localhost:3000")
    assert GatewaySettings(trusted_proxies="").trusted_proxies == ()


def test_a_key_may_be_given_as_its_hash(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In a file, as every secret."""
    path = tmp_path / "api_keys.json"
    path.write_text(json.dumps({"mission": entry(key=None, sha256=digest_of(KEY))}))
    monkeypatch.setenv("CASSIOPEIA_API_KEYS_FILE", str(path))
    [(name, key)] = parse_api_keys(
        load_settings(GatewaySettings).api_keys.get_secret_value()
    ).items()
    assert (name, key.digest, key.quota.per_minute) == ("mission", digest_of(KEY), 600)
