"""What the network does to a connection, and what a client of the broker makes of it."""

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
import redis.exceptions
import uvloop
from redis.asyncio import Redis

from libs.common.broker import answered_within, connect
from libs.common.errors import DependencyUnavailableError
from tests.proxies import FAIR, TcpProxy, Weather, proxied


@pytest_asyncio.fixture
async def proxy(valkey_url: str) -> AsyncIterator[TcpProxy]:
    """Give a proxy for the broker."""
    async with proxied(valkey_url, random.Random(1)) as running:
        yield running


@pytest_asyncio.fixture
async def impatient(proxy: TcpProxy, valkey_url: str) -> AsyncIterator[Redis]:
    """Give a client behind the proxy that tries once."""
    async with Redis.from_url(
        proxy.url(valkey_url), socket_timeout=1.0, retry_on_error=[], retry=None
    ) as client:
        yield client


async def test_fair_weather_changes_nothing(impatient: Redis) -> None:
    """All bytes arrive, in both directions."""
    value = random.Random(2).randbytes(300_000)
    await impatient.set("key", value)
    assert await impatient.get("key") == value


@pytest.mark.parametrize("weather", [Weather(refusing=True), Weather(halving=1.0)])
async def test_a_connection_breaks(
    proxy: TcpProxy, valkey_url: str, impatient: Redis, weather: Weather
) -> None:
    """It ends at once, or in the middle of a message; better weather brings it back."""
    await impatient.ping()
    proxy.weather = weather
    with pytest.raises(redis.exceptions.ConnectionError):
        await impatient.ping()
    proxy.weather = FAIR
    async with connect(proxy.url(valkey_url), "test") as patient:
        assert await patient.ping()


async def test_silence_swallows_what_is_sent(
    proxy: TcpProxy, valkey_url: str, impatient: Redis
) -> None:
    """Nobody is told, and what was on its way does not arrive later."""
    await impatient.ping()
    proxy.weather = Weather(silent=True)
    with pytest.raises(redis.exceptions.TimeoutError):
        await impatient.set("key", "lost")
    proxy.weather = FAIR
    async with connect(valkey_url, "test") as direct:
        assert await direct.get("key") is None


async def test_whoever_cannot_wait_gives_a_patient_client_up(
    proxy: TcpProxy, valkey_url: str
) -> None:
    """On a connection that was open and on a new one; the client serves again afterwards."""
    async with connect(proxy.url(valkey_url), "test") as patient:
        await patient.ping()
        proxy.weather = Weather(silent=True)
        async with asyncio.timeout(15):
            for _ in range(2):
                with pytest.raises(DependencyUnavailableError):
                    await answered_within(0.5, patient.ping())
        proxy.weather = FAIR
        assert await answered_within(10, patient.ping())


async def test_slow_weather_delays_each_message(proxy: TcpProxy, impatient: Redis) -> None:
    """The answer comes later than the client waits for it."""
    await impatient.ping()
    proxy.weather = Weather(delay_s=1.5)
    with pytest.raises(redis.exceptions.TimeoutError):
        await impatient.ping()


def test_a_write_after_a_reset_is_a_lost_connection(valkey_url: str) -> None:
    """On the event loop of the services too, which words it as a fault of the program."""

    async def write() -> None:
        async with connect(valkey_url, "test") as client:
            pool: Any = client.connection_pool
            connection = await pool.get_connection()
            connection._writer.transport.abort()  # noqa: SLF001 - as a reset between two commands
            await asyncio.sleep(0)
            with pytest.raises(redis.exceptions.ConnectionError):
                await connection.send_command("PING", check_health=False)
            await pool.release(connection)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(write())
