"""The schema, and the limits within which an operation must stay."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from graphql import DocumentNode, GraphQLError, MaxIntrospectionDepthRule
from strawberry import Schema
from strawberry.extensions import (
    AddValidationRules,
    MaskErrors,
    MaxTokensLimiter,
    SchemaExtension,
)
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from libs.common.database import TRANSIENT_ERRORS
from libs.common.errors import DependencyUnavailableError
from libs.common.logging import get_logger
from services.gateway.graph.arguments import QueryError
from services.gateway.graph.cost import MAX_COST, cost_of
from services.gateway.graph.fields import GraphContext, GraphField, fields_of, query_type
from services.gateway.graph.shape import check_shape, operations_of
from services.gateway.problems import ProblemError
from services.gateway.routing import Route

_log = get_logger(__name__)

# While a server is away the whole answer is 503, as everywhere.
AWAY = (*TRANSIENT_ERRORS, DependencyUnavailableError, ProblemError)
# To ask for everything in the schema at once takes 845 tokens.
MAX_TOKENS = 1_000


class ShapeLimiter(SchemaExtension):
    """Refuses a document that takes too long to validate, or that does not say what to run."""

    def on_validate(self) -> Iterator[None]:
        """Check the document, which is parsed by now.

        Raises:
            GraphQLError: It is beyond a bound, or has several operations and none was named.
        """
        document = self.execution_context.graphql_document
        if document is not None:
            check_shape(document)
            context: GraphContext = self.execution_context.context
            if context.operation_name is None and len(operations_of(document)) > 1:
                # GraphQL, 6.1: without a name Strawberry would run the first one.
                raise GraphQLError(
                    "Must provide operation name if query contains multiple operations"
                    " (operationName)."
                )
        yield


class CostLimiter(SchemaExtension):
    """Refuses an operation that costs too much, before any part of it runs."""

    def on_execute(self) -> Iterator[None]:
        """Count the cost of the operation, which is valid by now.

        Raises:
            GraphQLError: It costs too much.
        """
        context = self.execution_context
        schema, document = context.schema, context.graphql_document
        if document is not None and isinstance(schema, GraphSchema):
            cost = schema.cost_of(document, context.variables or {})
            if cost > MAX_COST:
                raise GraphQLError(
                    f"the operation costs {cost}, at most {MAX_COST} is allowed:"
                    " ask for fewer fields, or for fewer items of each"
                )
        yield


def _is_ours(error: GraphQLError) -> bool:
    """Whether an error is a fault of the gateway, whose text clients must not see."""
    cause = error.original_error
    known = (*AWAY, QueryError, GraphQLError)
    return cause is not None and not isinstance(cause, known)


class GraphSchema(Schema):
    """Knows what its operations cost, and logs only faults of the gateway.

    The text of an operation is not logged, because clients may write anything into it.
    """

    def __init__(self, routes: Iterable[Route]) -> None:
        self._fields: Mapping[str, GraphField] = fields_of(routes)
        super().__init__(
            query=query_type(self._fields),
            # snake_case, as everywhere else in the API.
            config=StrawberryConfig(auto_camel_case=False),
            extensions=[
                lambda: MaxTokensLimiter(max_token_count=MAX_TOKENS),
                ShapeLimiter,
                CostLimiter,
                # Introspection can nest types of fields of types: a short text, an endless answer.
                lambda: AddValidationRules([MaxIntrospectionDepthRule]),
                lambda: MaskErrors(_is_ours, "this is a fault of ours; the log has it"),
            ],
        )

    def cost_of(self, document: DocumentNode, variables: Mapping[str, Any]) -> int:
        """Return the cost of the most expensive operation of a valid document."""
        return cost_of(document, variables, self._schema, self._fields)

    def process_errors(
        self, errors: Sequence[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Log the faults among the errors of an operation, without its text."""
        del execution_context
        for error in errors:
            if _is_ours(error):
                _log.error("graphql_failed", field=error.path, exc_info=error.original_error)
