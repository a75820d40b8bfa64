"""`/graphql`: the same resources, for clients that choose their fields."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field
from strawberry.schema.exceptions import CannotGetOperationTypeError

from services.gateway.answers import send_model
from services.gateway.graph.fields import GraphContext
from services.gateway.graph.schema import AWAY, GraphSchema
from services.gateway.routing import Handler, Params, Route


class GraphRequest(BaseModel):
    """A GraphQL operation with its variables."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    query: str = Field(
        min_length=1, max_length=20_000, examples=["{ position { time latitude_deg } }"]
    )
    variables: dict[str, Any] | None = None
    operation_name: str | None = Field(default=None, alias="operationName", max_length=200)


class GraphError(BaseModel):
    """What went wrong, and where in the operation."""

    message: str
    locations: list[dict[str, int]] | None = None
    path: list[str | int] | None = None


class GraphAnswer(BaseModel):
    """The result of an operation; `data` is null if the operation was refused."""

    data: dict[str, Any] | None
    errors: list[GraphError] | None = None


def routes(table: Sequence[Route]) -> tuple[Route, ...]:
    """Return the GraphQL route, with the fields that the routes of a table name."""
    return (
        Route(
            path="/graphql",
            handler=_executing(GraphSchema(table)),
            method="POST",
            summary="Executes a GraphQL operation over the same resources.",
            tag="graphql",
            body=GraphRequest,
            answer=GraphAnswer,
            problems=(HTTPStatus.SERVICE_UNAVAILABLE,),
            cost=5,
        ),
    )


def _executing(schema: GraphSchema) -> Handler:
    async def graphql(request: web.Request, _: Params, body: GraphRequest) -> web.StreamResponse:
        try:
            result = await schema.execute(
                body.query,
                variable_values=body.variables,
                operation_name=body.operation_name,
                context_value=GraphContext(request.app, body.operation_name),
            )
        except CannotGetOperationTypeError as error:
            named = error.operation_name or "without a name"
            refused = GraphError(message=f"operationName: there is no operation {named:.80}")
            return send_model(request, GraphAnswer(data=None, errors=[refused]))
        for failure in result.errors or ():
            cause = failure.original_error
            # Without the database or the broker there is no answer at all, as in REST.
            if isinstance(cause, AWAY):
                raise cause
        errors = [GraphError.model_validate(failure.formatted) for failure in result.errors or ()]
        return send_model(request, GraphAnswer(data=result.data, errors=errors or None))

    return graphql
