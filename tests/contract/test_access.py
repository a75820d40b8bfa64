"""Who may call: API keys, tokens and their scopes; CORS; the headers that every answer has."""

import asyncio
import hmac
import json
import os
import sys
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from libs.common.polling.source_state import SourceState
from libs.common.polling.sources import SourceRegistry, SourceStatus
from libs.common.topology import COMMANDS_REFRESH
from services.gateway.issuing import issue_token
from tests.gateways import Gateway, running_gateway
from tests.servers import CHECKOUT
from tests.waiting import wait_until

SECRET = "0123456789abcdef0123456789abcdef"
API_KEY = "mission-control-key"
ORIGIN = "https://dashboard.example"
SOURCES = "/api/v1/sources"
REFRESH = "/api/v1/sources/iss/refresh"
NOW = datetime.now(UTC)


def claims(**changes: Any) -> dict[str, Any]:
    """Return the claims of a good token; a change to None leaves one out."""
    good = {
        "iss": "cassiopeia",
        "aud": "cassiopeia",
        "sub": "operator",
        "scope": "refresh",
        "exp": NOW + timedelta(hours=1),
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def token(secret: str = SECRET, algorithm: str = "HS256", **changes: Any) -> str:
    """Return a token signed with a secret."""
    return jwt.encode(claims(**changes), secret, algorithm)


def bearer(value: str) -> dict[str, str]:
    """Return the header that a token comes in."""
    return {"Authorization": f"Bearer {value}"}


@pytest.fixture
async def guarded(valkey_url: str, reader_database_url: str) -> AsyncIterator[Gateway]:
    """A gateway that takes tokens, API keys and one origin, and knows a source."""
    now = datetime.now(UTC)
    status = SourceStatus(
        name="iss", state=SourceState.OK, since=now, last_attempt=now, next_poll=now
    )
    keys = {"mission": {"key": API_KEY, "per_minute": 1_000, "burst": 500}}
    async with running_gateway(
        valkey_url,
        reader_database_url,
        token_secret=SECRET,
        api_keys=json.dumps(keys),
        cors_origins=ORIGIN,
        limit_burst=50,
        limit_per_minute=100,
    ) as running:
        await SourceRegistry(running.redis).save(status)
        yield running


async def test_a_refresh_needs_its_scope_and_reaches_the_poller(guarded: Gateway) -> None:
    """It answers at once, with what to watch."""
    async with guarded.http.post(REFRESH, headers=bearer(token())) as response:
        assert response.status == HTTPStatus.ACCEPTED
        document = await response.json()
        assert response.headers["Location"] == document["watch"] == "/api/v1/sources/iss"
    entries: Any = await guarded.redis.xrange(COMMANDS_REFRESH.key)
    [(_, fields)] = entries
    assert json.loads(fields[b"__data__"])["source"] == "iss"


async def test_an_unknown_source_is_not_refreshed(guarded: Gateway) -> None:
    """Nothing is published for it."""
    path = "/api/v1/sources/moon/refresh"
    async with guarded.http.post(path, headers=bearer(token())) as response:
        assert response.status == HTTPStatus.NOT_FOUND
    assert await guarded.redis.xlen(COMMANDS_REFRESH.key) == 0


async def refusal(
    gateway: Gateway, headers: dict[str, str], *, method: str = "POST", path: str = REFRESH
) -> tuple[int, str, str]:
    """Return status, slug and challenge of a request that must fail."""
    async with gateway.http.request(method, path, headers=headers) as response:
        problem = await response.json(content_type="application/problem+json")
        slug = problem["type"].removeprefix("/docs#problem-")
        return response.status, slug, response.headers["WWW-Authenticate"]


async def test_what_is_missing_is_named(guarded: Gateway) -> None:
    """401 without a token, 403 with one that allows something else."""
    status, slug, challenge = await refusal(guarded, {})
    assert (status, slug) == (401, "token-required")
    assert 'scope="refresh"' in challenge
    status, slug, challenge = await refusal(guarded, {"X-API-Key": API_KEY})
    assert (status, slug) == (401, "token-required")
    status, slug, challenge = await refusal(guarded, bearer(token(scope="export unknown")))
    assert (status, slug) == (403, "insufficient-scope")
    assert 'error="insufficient_scope", scope="refresh"' in challenge


BAD = {
    "another secret": token(secret="another-secret-of-thirty-two-byte"),
    "expired": token(exp=NOW - timedelta(minutes=1)),
    "without exp": token(exp=None),
    "without aud": token(aud=None),
    "without iss": token(iss=None),
    "for somebody else": token(aud="elsewhere"),
    "from somebody else": token(iss="somebody"),
    "not yet valid": token(nbf=NOW + timedelta(hours=1)),
    "another algorithm": token(algorithm="HS512", secret=SECRET * 2),
    "unsigned": jwt.encode(claims(), "", "none"),
    "nothing": "",
    "nonsense": "a.b.c",
    "no text": "\udcff.\udcfe.",
    "a thousand brackets": "W1tb" * 1_500 + ".e30.x",
}


async def test_a_token_that_is_not_valid_is_refused_everywhere(guarded: Gateway) -> None:
    """Also where none is needed: whoever sends one wants to know."""
    for name, bad in BAD.items():
        status, slug, challenge = await refusal(guarded, bearer(bad), method="GET", path=SOURCES)
        assert (status, slug) == (401, "invalid-credentials"), name
        assert 'error="invalid_token"' in challenge


async def test_a_token_beside_an_api_key_brings_its_scopes(guarded: Gateway) -> None:
    """The quota is the key's; a wrong token is refused as it is alone."""
    both = {"X-API-Key": API_KEY, **bearer(token())}
    async with guarded.http.post(REFRESH, headers=both) as response:
        assert response.status == HTTPStatus.ACCEPTED
        assert response.headers["RateLimit-Policy"].startswith('"burst";q=500')
    wrong = {"X-API-Key": API_KEY, **bearer(BAD["nonsense"])}
    status, slug, _ = await refusal(guarded, wrong, method="GET", path=SOURCES)
    assert (status, slug) == (401, "invalid-credentials")


async def test_an_api_key_has_its_own_quota(guarded: Gateway) -> None:
    """An unknown one is refused, and charged to its address: guessing is as limited as asking."""
    async with guarded.http.get(SOURCES, headers={"X-API-Key": API_KEY}) as response:
        assert response.headers["RateLimit-Policy"] == '"burst";q=500;w=30, "minute";q=1000;w=60'
    statuses = []
    for number in range(60):
        guess = {"X-API-Key": f"guess-{number}"}
        async with guarded.http.get(SOURCES, headers=guess) as response:
            statuses.append(response.status)
    assert statuses[:45] == [HTTPStatus.UNAUTHORIZED] * 45
    assert statuses[-1] == HTTPStatus.TOO_MANY_REQUESTS
    async with guarded.http.get(SOURCES, headers={"X-API-Key": API_KEY}) as response:
        assert response.status == HTTPStatus.OK


async def test_a_limited_client_is_told_when_to_come_back(guarded: Gateway) -> None:
    """Health is exempt; each answer tells what is left."""
    for left in (49, 48):
        async with guarded.http.get(SOURCES) as response:
            assert response.headers["RateLimit"].startswith(f'"burst";r={left};t=')

    async def refused() -> aiohttp.ClientResponse | None:
        async with guarded.http.get(SOURCES) as response:
            await response.read()
            return response if response.status == HTTPStatus.TOO_MANY_REQUESTS else None

    response = await wait_until(refused, 10, "the bucket is empty")
    problem = await response.json(content_type="application/problem+json")
    assert problem["type"] == "/docs#problem-too-many-requests"
    assert response.headers["Retry-After"] == "1"
    assert response.headers["RateLimit"].startswith('"burst";r=0;t=')
    async with guarded.http.get("/health/live") as response:
        assert response.status == HTTPStatus.OK
        assert "RateLimit" not in response.headers


@pytest.fixture(params=["EdDSA", "RS256"])
def signing_key(request: pytest.FixtureRequest) -> Any:
    """A private key of each kind."""
    if request.param == "EdDSA":
        return Ed25519PrivateKey.generate()
    return generate_private_key(65_537, 2_048)


def jwks(private: Any, kid: str) -> str:
    """Return the document with the public key of a private one."""
    if isinstance(private, Ed25519PrivateKey):
        document = jwt.algorithms.OKPAlgorithm.to_jwk(private.public_key(), as_dict=True)
    else:
        document = jwt.algorithms.RSAAlgorithm.to_jwk(private.public_key(), as_dict=True)
    return json.dumps({"keys": [{**document, "kid": kid, "use": "sig"}]})


async def test_public_keys_are_read_again_when_the_file_changes(
    valkey_url: str, reader_database_url: str, tmp_path: Path, signing_key: Any
) -> None:
    """A token of the old key ends with it; one signed with the public key as a secret is none."""
    path = tmp_path / "keys.json"
    path.write_text(jwks(signing_key, "old"))
    algorithm = "EdDSA" if isinstance(signing_key, Ed25519PrivateKey) else "RS256"
    good = bearer(jwt.encode(claims(), signing_key, algorithm, headers={"kid": "old"}))
    async with running_gateway(valkey_url, reader_database_url, token_jwks_path=path) as gateway:

        async def status(headers: dict[str, str]) -> int:
            async with gateway.http.get("/", headers=headers) as response:
                return response.status

        assert await status(good) == HTTPStatus.OK
        forged = forge(path.read_text())
        assert await status(bearer(forged)) == HTTPStatus.UNAUTHORIZED
        path.write_text('{"keys": ')
        # Half written: the keys that were read stay.
        assert await status(good) == HTTPStatus.OK
        path.write_text(jwks(Ed25519PrivateKey.generate(), "new"))

        async def is_refused() -> bool:
            return await status(good) == HTTPStatus.UNAUTHORIZED

        await wait_until(is_refused, 5, "the old key has gone")


def forge(public: str) -> str:
    """Return a token signed with a public document as if it were a secret."""
    payload = claims() | {"exp": int(claims()["exp"].timestamp())}
    parts = [
        urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
        for part in ({"alg": "HS256", "kid": "old"}, payload)
    ]
    signed = b".".join(parts)
    signature = hmac.digest(public.encode(), signed, "sha256")
    return (signed + b"." + urlsafe_b64encode(signature).rstrip(b"=")).decode()


async def test_the_command_issues_a_token_that_the_gateway_takes(guarded: Gateway) -> None:
    """With the secret in the environment."""
    command = "token --subject ops --scope refresh --scope export --hours 0.5"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.gateway", *command.split()),
        cwd=CHECKOUT,
        env=os.environ | {"CASSIOPEIA_TOKEN_SECRET": SECRET},
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    async with guarded.http.post(REFRESH, headers=bearer(output.decode().strip())) as response:
        assert response.status == HTTPStatus.ACCEPTED


@pytest.mark.parametrize(
    ("secret", "expected"),
    [(None, "CASSIOPEIA_TOKEN_SECRET is not set"), ("short", "expected at least 32 bytes")],
)
def test_the_command_says_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    secret: str | None,
    expected: str,
) -> None:
    """Without a secret, or with a short one, nothing is issued."""
    if secret is not None:
        monkeypatch.setenv("CASSIOPEIA_TOKEN_SECRET", secret)
    assert issue_token(["--subject", "ops", "--scope", "refresh"]) == 78
    printed = capsys.readouterr()
    assert printed.out == ""
    assert expected in printed.err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("--subject ops --scope everything", "invalid choice: 'everything'"),
        ("--subject ops --scope refresh --hours 0", "expected hours up to"),
        ("--scope refresh", "required: --subject"),
    ],
)
def test_the_command_refuses_what_it_does_not_know(
    capsys: pytest.CaptureFixture[str], arguments: str, expected: str
) -> None:
    """With what there is."""
    with pytest.raises(SystemExit):
        issue_token(arguments.split())
    assert expected in capsys.readouterr().err


PREFLIGHT = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}


async def test_an_allowed_origin_may_read_and_send(guarded: Gateway) -> None:
    """The preflight comes without credentials, and is not limited."""
    for _ in range(60):
        async with guarded.http.options(REFRESH, headers=PREFLIGHT) as response:
            assert response.status == HTTPStatus.NO_CONTENT
            assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
            assert response.headers["Access-Control-Allow-Methods"] == "POST"
            assert "Authorization" in response.headers["Access-Control-Allow-Headers"]
    async with guarded.http.get(SOURCES, headers={"Origin": ORIGIN}) as response:
        assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert "RateLimit" in response.headers["Access-Control-Expose-Headers"]


async def test_another_origin_may_not(guarded: Gateway) -> None:
    """And no cache may give it what another origin got."""
    other = {"Origin": "https://evil.example"}
    async with guarded.http.options(REFRESH, headers=PREFLIGHT | other) as response:
        assert "Access-Control-Allow-Origin" not in response.headers
    for headers in (other, {}):
        async with guarded.http.get(SOURCES, headers=headers) as response:
            assert "Access-Control-Allow-Origin" not in response.headers
            assert "Origin" in response.headers["Vary"]


async def test_without_a_list_there_is_no_cors(gateway: Gateway) -> None:
    """OPTIONS is a method like any other that a route does not have."""
    async with gateway.http.options("/", headers=PREFLIGHT) as response:
        assert response.status == HTTPStatus.METHOD_NOT_ALLOWED
        assert "Access-Control-Allow-Origin" not in response.headers


async def test_every_answer_has_the_common_headers(gateway: Gateway) -> None:
    """Errors too; the library's banner is nowhere."""
    for path in ("/", "/health/live", "/nowhere", "/api/v1/sources?x=1"):
        async with gateway.http.get(path, headers={"X-Request-Id": "from-client.1"}) as response:
            headers = response.headers
        assert headers["X-Request-Id"] == "from-client.1"
        assert "Server" not in headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "Strict-Transport-Security" not in headers


async def test_a_request_id_of_another_form_is_replaced(gateway: Gateway) -> None:
    """It goes into logs."""
    async with gateway.http.get("/", headers={"X-Request-Id": "<script>"}) as response:
        first = response.headers["X-Request-Id"]
    async with gateway.http.get("/") as response:
        second = response.headers["X-Request-Id"]
    assert "<" not in first
    assert first != second


async def test_behind_tls_browsers_are_told_to_keep_to_it(
    valkey_url: str, reader_database_url: str
) -> None:
    """Only then: without TLS it would lock browsers out."""
    async with (
        running_gateway(valkey_url, reader_database_url, behind_tls=True) as gateway,
        gateway.http.get("/") as response,
    ):
        assert response.headers["Strict-Transport-Security"] == "max-age=31536000"
