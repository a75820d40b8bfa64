"""What an operation costs, counted before it runs, so that a small text cannot ask for everything.

Every field costs 1, multiplied by the `limit` of each page that it stands in. Pure.
"""

from collections.abc import Collection, Mapping
from typing import Any

from graphql import (
    GRAPHQL_MAX_INT,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
)

# Pages without a limit have this many items.
DEFAULT_LIMIT = 50
LIMIT = "limit"


def cost_of(
    document: DocumentNode, variables: Mapping[str, Any], pages: Collection[str] = ()
) -> int:
    """Return the cost of the most expensive operation of a valid document.

    Args:
        document: The operations.
        variables: Those that came with it.
        pages: The fields that have a limit, whether the document tells one or not.
    """
    return max(
        (
            _Counting(document, {**_defaults(definition), **variables}, pages).of(
                definition.selection_set
            )
            for definition in document.definitions
            if isinstance(definition, OperationDefinitionNode)
        ),
        default=0,
    )


def _defaults(operation: OperationDefinitionNode) -> dict[str, Any]:
    return {
        definition.variable.name.value: int(definition.default_value.value)
        for definition in operation.variable_definitions or ()
        if isinstance(definition.default_value, IntValueNode)
    }


def _bounded(limit: int) -> int:
    # JSON may bring 4,300 digits, and a product of more cannot be written into a message.
    return min(max(1, limit), GRAPHQL_MAX_INT)


class _Counting:
    """Counts each fragment once: many that spread each other twice would double without end."""

    def __init__(
        self, document: DocumentNode, variables: Mapping[str, Any], pages: Collection[str]
    ) -> None:
        self._variables = variables
        self._pages = pages
        self._fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self._counted: dict[str, int] = {}

    def of(self, selections: SelectionSetNode | None) -> int:
        """Return the cost of what is selected."""
        total = 0
        for selection in selections.selections if selections else ():
            if isinstance(selection, FieldNode):
                total += 1 + self._items(selection) * self.of(selection.selection_set)
            elif isinstance(selection, InlineFragmentNode):
                total += self.of(selection.selection_set)
            elif isinstance(selection, FragmentSpreadNode):
                total += self._fragment(selection.name.value)
        return total

    def _fragment(self, name: str) -> int:
        if name not in self._counted:
            self._counted[name] = self.of(self._fragments[name].selection_set)
        return self._counted[name]

    def _items(self, field: FieldNode) -> int:
        for argument in field.arguments or ():
            if argument.name.value != LIMIT:
                continue
            if isinstance(argument.value, IntValueNode):
                return _bounded(int(argument.value.value))
            if isinstance(argument.value, VariableNode):
                given = self._variables.get(argument.value.name.value)
                # JSON may write 200 as 200.0, which GraphQL takes for an Int.
                if isinstance(given, float) and given.is_integer():
                    given = int(given)
                return _bounded(given) if isinstance(given, int) else DEFAULT_LIMIT
        return DEFAULT_LIMIT if field.name.value in self._pages else 1
