"""What was received of an event is in its row and in the live stream, and in no answer."""

from tests.catalogue import image_event, sky_event
from tests.clocks import MovingClock
from tests.contract.clients import store
from tests.factories import elements_event
from tests.gateways import running_gateway
from tests.waiting import wait_until

MARK = "only-the-upstream-says-this"
RECORD = {"note": MARK}
EVENTS = [
    elements_event(upstream_body=RECORD),
    image_event(1, upstream_body=RECORD),
    sky_event(1, upstream_body=RECORD),
]
# A path, and what shows that the event is in the answer.
ANSWERS = {
    "/api/v1/iss/elements": "ISS (ZARYA)",
    "/api/v1/jwst/images": "jw01234",
    f"/api/v1/jwst/images/{EVENTS[1].subject}": "jw01234",
    "/api/v1/jwst/images.atom": "jw01234",
    "/api/jwst/feed": "jw01234",
    "/api/v1/astro/events": "Full moon",
    "/api/v1/dashboard": "Full moon",
}


async def test_no_answer_repeats_what_was_received(valkey_url: str, database_url: str) -> None:
    """Neither one from the tables nor one from memory."""
    await store(database_url, EVENTS)
    async with running_gateway(
        valkey_url, database_url, clock=MovingClock(), question_wait_seconds=0.3
    ) as gateway:
        await gateway.publish(EVENTS)
        for path, sign in ANSWERS.items():

            async def answered(path: str = path, sign: str = sign) -> str | None:
                async with gateway.http.get(path) as response:
                    body = await response.text()
                return body if sign in body else None

            assert MARK not in await wait_until(answered, 10, f"the event at {path}")
