"""The schema, and the limits within which an operation must stay."""

from collections.abc import Iterator

from graphql import GraphQLError, MaxIntrospectionDepthRule
from strawberry import Schema
from strawberry.extensions import (
    AddValidationRules,
    MaskErrors,
    MaxAliasesLimiter,
    MaxTokensLimiter,
    QueryDepthLimiter,
    SchemaExtension,
)
from strawberry.schema.config import StrawberryConfig

from services.gateway.graph.cost import cost_of
from services.gateway.graph.query import MAX_LIMIT, TOLD_TO_CLIENTS, Query

# page -> items -> links -> url, with two to spare.
MAX_DEPTH = 6
MAX_ALIASES = 20
MAX_TOKENS = 2_000
# Ten full pages of ten fields.
MAX_COST = 10 * 10 * MAX_LIMIT


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
            cost = cost_of(document, context.variables or {})
            if cost > MAX_COST:
                raise GraphQLError(
                    f"the operation costs {cost}, at most {MAX_COST} is allowed:"
                    " ask for fewer fields, or lower `limit`"
                )
        yield


def _is_ours(error: GraphQLError) -> bool:
    """Whether an error is a fault of ours, whose text is nothing for clients."""
    cause = error.original_error
    return cause is not None and not isinstance(cause, (*TOLD_TO_CLIENTS, GraphQLError))


def create_schema() -> Schema:
    """Return the schema; snake_case, as everywhere else in the API."""
    return Schema(
        query=Query,
        config=StrawberryConfig(auto_camel_case=False),
        extensions=[
            lambda: QueryDepthLimiter(max_depth=MAX_DEPTH),
            lambda: MaxAliasesLimiter(max_alias_count=MAX_ALIASES),
            lambda: MaxTokensLimiter(max_token_count=MAX_TOKENS),
            CostLimiter,
            # Types of fields of types of fields: a short text with an answer without end.
            lambda: AddValidationRules([MaxIntrospectionDepthRule]),
            lambda: MaskErrors(_is_ours, "this is a fault of ours; the log has it"),
        ],
    )
