"""The schema, and the limits within which an operation must stay."""

from collections.abc import Iterator, Sequence

from graphql import GraphQLError, MaxIntrospectionDepthRule
from strawberry import Schema
from strawberry.extensions import (
    AddValidationRules,
    MaskErrors,
    MaxTokensLimiter,
    SchemaExtension,
)
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext, get_object_definition

from libs.common.database import TRANSIENT_ERRORS
from libs.common.errors import DependencyUnavailableError
from libs.common.logging import get_logger
from services.gateway.api.cached import MAX_PAGE
from services.gateway.graph.arguments import QueryError
from services.gateway.graph.cost import LIMIT, cost_of
from services.gateway.graph.query import GraphContext, Query
from services.gateway.graph.shape import check_shape, operations_of

_log = get_logger(__name__)

# A server is away: the whole answer is 503, as everywhere.
AWAY = (*TRANSIENT_ERRORS, DependencyUnavailableError)
_PAGES = frozenset(
    field.python_name
    for field in get_object_definition(Query, strict=True).fields
    if any(argument.python_name == LIMIT for argument in field.arguments)
)
# Everything that the schema has, asked for at once, is 453.
MAX_TOKENS = 1_000
# Ten full pages of ten fields.
MAX_COST = 10 * 10 * MAX_PAGE


class ShapeLimiter(SchemaExtension):
    """Refuses what would take too long to validate, and what does not say what to run."""

    def on_validate(self) -> Iterator[None]:
        """Look at the document, which is parsed by now.

        Raises:
            GraphQLError: It is beyond a bound, or has many operations and none was named.
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
    """Refuses what costs too much before anything of it is asked."""

    def on_execute(self) -> Iterator[None]:
        """Count the cost of the operation, which is valid by now.

        Raises:
            GraphQLError: It costs too much.
        """
        context = self.execution_context
        document = context.graphql_document
        if document is not None:
            cost = cost_of(document, context.variables or {}, _PAGES)
            if cost > MAX_COST:
                raise GraphQLError(
                    f"the operation costs {cost}, at most {MAX_COST} is allowed:"
                    " ask for fewer fields, or lower `limit`"
                )
        yield


def _is_ours(error: GraphQLError) -> bool:
    """Whether an error is a fault of ours, whose text is nothing for clients."""
    cause = error.original_error
    known = (*AWAY, QueryError, GraphQLError)
    return cause is not None and not isinstance(cause, known)


class _Schema(Schema):
    """Logs our own faults alone, and not what clients wrote: that may hold anything."""

    def process_errors(
        self, errors: Sequence[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Log the faults among the errors of an operation, without its text."""
        del execution_context
        for error in errors:
            if _is_ours(error):
                _log.error("graphql_failed", field=error.path, exc_info=error.original_error)


def create_schema() -> Schema:
    """Return the schema; snake_case, as everywhere else in the API."""
    return _Schema(
        query=Query,
        config=StrawberryConfig(auto_camel_case=False),
        extensions=[
            lambda: MaxTokensLimiter(max_token_count=MAX_TOKENS),
            ShapeLimiter,
            CostLimiter,
            # Types of fields of types of fields: a short text with an answer without end.
            lambda: AddValidationRules([MaxIntrospectionDepthRule]),
            lambda: MaskErrors(_is_ours, "this is a fault of ours; the log has it"),
        ],
    )
