"""What every request passes through, in one call per route.

A chain of aiohttp middlewares takes a quarter of a small answer's time (ADR 0010). So the steps are
plain functions of `middlewares/`, called here one after another, and all that a route knows
beforehand is looked up once.
"""

import asyncio
import time
from http import HTTPStatus

from aiohttp import HttpVersion11, hdrs, web
from pydantic import BaseModel

from services.gateway.access import CLIENT, Client
from services.gateway.keys import ACCESS, ACCESS_LOG, COMMON_HEADERS, LIMITER
from services.gateway.middlewares import cors, observe
from services.gateway.middlewares.headers import COMMON
from services.gateway.middlewares.problems import answer_to
from services.gateway.parsing import parse_body, parse_params
from services.gateway.problems import ProblemError, Slug
from services.gateway.ratelimit import VERDICT
from services.gateway.routing import Params, Route

ELSEWHERE = "/{tail:.*}"
# Limits for each route, so that all routes together hold a few MB at most.
MOST_PARSED, LONGEST_PARSED = 200, 200


class Front:
    """Stands before the handler of one route."""

    def __init__(self, route: Route, application: web.Application) -> None:
        self._route = route
        self._limiter = application[LIMITER]
        self._access = application[ACCESS]
        self._common = application[COMMON_HEADERS]
        self._observed = observe.RouteObserver(route, application[ACCESS_LOG])
        # The same pages are asked for again and again: each query is parsed once.
        self._parsed: dict[str, Params] = {}
        self._has_path_params = "{" in route.path

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer a request, whatever happens."""
        began = time.perf_counter()
        self._identify(request)
        # This status is kept if the client goes away before there is an answer.
        status = observe.CLIENT_CLOSED
        try:
            try:
                response = await self._serve(request)
            except Exception as error:  # noqa: BLE001 - every error has an answer
                response = answer_to(error, request)
            status = response.status
        except asyncio.CancelledError:
            if request.writer.output_size:
                # A stream had begun, and a client may leave a stream when it likes.
                status = HTTPStatus.OK
            raise
        else:
            return response
        finally:
            self._observed.over(request, status, time.perf_counter() - began)

    async def expect(self, request: web.Request) -> web.StreamResponse | None:
        """Answer the header `Expect`: with 100, or with 417 (RFC 9110, 10.1.1)."""
        if request.headers.get(hdrs.EXPECT, "").lower() == "100-continue":
            if request.version >= HttpVersion11:
                await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                # The interim response does not count as the beginning of the answer.
                request.writer.output_size = 0
            return None
        self._identify(request)
        problem = ProblemError(
            HTTPStatus.EXPECTATION_FAILED, Slug.EXPECTATION_FAILED, "expected Expect: 100-continue"
        )
        return answer_to(problem, request)

    def _identify(self, request: web.Request) -> None:
        observe.identify(request)
        request[COMMON] = self._common

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        route = self._route
        client = request[CLIENT] = self._access.client_of(request)
        if route.cost:
            await self._admit(request, client, route.cost)
        if client.refusal is not None:
            raise client.refusal
        if route.scope is not None:
            self._access.require(client, route.scope)
        params = self._params(request)
        if route.body is None:
            return await route.handler(request, params)
        body: BaseModel = await parse_body(request, route.body)
        return await route.handler(request, params, body)

    async def _admit(self, request: web.Request, client: Client, cost: int) -> None:
        limiter = self._limiter
        verdict = limiter.decide(client.key, client.quota, cost)
        if verdict is None:
            verdict = await limiter.ask(client.key, client.quota, cost)
        request[VERDICT] = verdict
        if verdict.retry_in_s:
            raise verdict.problem()

    def _params(self, request: web.Request) -> Params:
        if self._has_path_params:
            return parse_params(request, self._route.params)
        query = request.query_string
        params = self._parsed.get(query)
        if params is None:
            params = parse_params(request, self._route.params)
            if len(query) <= LONGEST_PARSED:
                if len(self._parsed) >= MOST_PARSED:
                    self._parsed.clear()
                self._parsed[query] = params
        return params


class ElsewhereFront(Front):
    """Stands before every request that no route takes, CORS preflights among them.

    A preflight has no credentials and is not the request itself: it is answered before limits and
    access.
    """

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if cors.is_preflight(request, self._common):
            return cors.answer_preflight(await _methods(request))
        return await super()._serve(request)


async def elsewhere(request: web.Request, _: Params) -> web.StreamResponse:
    """Refuse a request that no route takes: 405 if its path has other methods, else 404.

    Raises:
        ProblemError: Always.
    """
    allowed = sorted(await _methods(request))
    if allowed:
        raise ProblemError(
            HTTPStatus.METHOD_NOT_ALLOWED,
            Slug.METHOD_NOT_ALLOWED,
            f"expected {' or '.join(allowed)}, got {request.method:.20}",
            headers={hdrs.ALLOW: ", ".join(allowed)},
        )
    raise ProblemError(
        HTTPStatus.NOT_FOUND, Slug.NOT_FOUND, "there is no such path; /docs lists those there are"
    )


async def _methods(request: web.Request) -> set[str]:
    methods: set[str] = set()
    for resource in request.app.router.resources():
        methods |= (await resource.resolve(request))[1] - {hdrs.METH_ANY}
    return methods
