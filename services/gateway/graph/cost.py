"""The cost of an operation, counted before it runs, so that a short text cannot ask for everything.

Every field costs 1. The fields inside a field of the root count once for each item that its answer
may have, as the model of its arguments says. A field whose route costs more than 1 of the quota in
REST, because another service has to compute the answer, costs as much more here.
"""

from collections.abc import Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    InlineFragmentNode,
    SelectionSetNode,
    get_argument_values,
    get_variable_values,
)
from graphql.execution.values import VariableValues

from services.gateway.api.cached import MAX_PAGE
from services.gateway.graph.arguments import checked
from services.gateway.graph.fields import GraphField
from services.gateway.graph.shape import operations_of
from services.gateway.problems import ProblemError

# A full page of ten fields: what 1 of a client's quota brings in REST.
QUOTA = 10 * MAX_PAGE
MAX_COST = 10 * QUOTA


def cost_of(
    document: DocumentNode,
    variables: Mapping[str, Any],
    schema: GraphQLSchema,
    fields: Mapping[str, GraphField],
) -> int:
    """Return the cost of the most expensive operation of a valid document.

    Args:
        document: The operations.
        variables: The variables that came with the document.
        schema: The schema that the document is valid for.
        fields: The fields of the schema's root.
    """
    costs = [0]
    for operation in operations_of(document):
        given = get_variable_values(schema, operation.variable_definitions or (), dict(variables))
        # An operation whose variables are wrong does not run.
        if not isinstance(given, list):
            counting = _Counting(document, given, schema, fields)
            costs.append(counting.of(operation.selection_set, at_root=True))
    return max(costs)


class _Counting:
    """Counts each fragment once: a chain in which each spreads the next twice doubles each time."""

    def __init__(
        self,
        document: DocumentNode,
        variables: VariableValues,
        schema: GraphQLSchema,
        fields: Mapping[str, GraphField],
    ) -> None:
        self._variables = variables
        self._root = schema.query_type.fields if schema.query_type else {}
        self._fields = fields
        self._fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self._counted: dict[str, int] = {}

    def of(self, selections: SelectionSetNode | None, *, at_root: bool) -> int:
        """Return the cost of what is selected."""
        total = 0
        for selection in selections.selections if selections else ():
            if isinstance(selection, FieldNode):
                below = self.of(selection.selection_set, at_root=False)
                total += 1 + (self._from_root(selection, below) if at_root else below)
            elif isinstance(selection, InlineFragmentNode):
                total += self.of(selection.selection_set, at_root=at_root)
            elif isinstance(selection, FragmentSpreadNode):
                total += self._fragment(selection.name.value, at_root=at_root)
        return total

    def _fragment(self, name: str, *, at_root: bool) -> int:
        if name not in self._counted:
            self._counted[name] = self.of(self._fragments[name].selection_set, at_root=at_root)
        return self._counted[name]

    def _from_root(self, node: FieldNode, below: int) -> int:
        field = self._fields.get(node.name.value)
        if field is None:
            # A field of introspection, which graph/shape.py bounds.
            return below
        try:
            arguments = get_argument_values(self._root[node.name.value], node, self._variables)
            items = checked(field.params, arguments).size
        except (GraphQLError, ProblemError):
            # The resolver will refuse these arguments, with the reason.
            return 0
        return (QUOTA * field.quota if field.quota > 1 else 0) + items * below
