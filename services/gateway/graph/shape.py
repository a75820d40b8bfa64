"""The shape of a document, bounded before it is validated.

Validation compares all fields of one response name with one another, so its time grows with the
square of their number: 490 times `position{time}`, which is 7 KB, took 0.9 s. A limiter that
follows every spread takes twice as long for each fragment that is spread twice. So a document is
walked here only once, with its fields merged as an execution merges them, and is refused at the
first bound that it exceeds. Pure.
"""

from collections.abc import Iterable

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    TokenKind,
)

# Fragments are compared with one another: 100 fragments of one field took 0.1 s.
MAX_DEFINITIONS = 50
# To ask for everything in the schema takes 650 selections, the usual introspection 487.
MAX_SELECTIONS = 1_000
# Fragments may repeat a field that stands beside them, but no honest client does so many times.
MAX_REPEATS = 10
MAX_ALIASES = 20
# page -> items -> links -> url, with two to spare.
MAX_DEPTH = 6
# The usual introspection has 15 levels: a list of lists of lists that are not null.
MAX_INTROSPECTION_DEPTH = 20
# An Int has up to 11 characters, a float written out 25. Python refuses 4,300 digits and more.
MAX_NUMBER_LENGTH = 40


def check_shape(document: DocumentNode) -> None:
    """Check a document that was parsed, and may be invalid.

    Raises:
        GraphQLError: It is beyond a bound, which the message names.
    """
    if len(document.definitions) > MAX_DEFINITIONS:
        raise GraphQLError(
            f"the document has {len(document.definitions)} operations and fragments,"
            f" at most {MAX_DEFINITIONS} are allowed"
        )
    _check_numbers(document)
    shape = _Shape(document)
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            shape.check(definition.selection_set, MAX_DEPTH)
        elif isinstance(definition, FragmentDefinitionNode):
            # Validation looks into unused fragments too. At what depth one stands is not known.
            shape.check(definition.selection_set, MAX_INTROSPECTION_DEPTH)


def operations_of(document: DocumentNode) -> list[OperationDefinitionNode]:
    """Return the operations of a document."""
    return [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]


def _check_numbers(document: DocumentNode) -> None:
    token = document.loc.start_token if document.loc else None
    while token is not None:
        if token.kind in {TokenKind.INT, TokenKind.FLOAT}:
            length = token.end - token.start
            if length > MAX_NUMBER_LENGTH:
                raise GraphQLError(
                    f"a number has {length} characters, at most {MAX_NUMBER_LENGTH} are allowed"
                )
        token = token.next


class _Shape:
    def __init__(self, document: DocumentNode) -> None:
        self._fragments = {
            definition.name.value: definition.selection_set
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self._selections = 0
        self._aliases = 0

    def check(self, selections: SelectionSetNode, allowed_depth: int) -> None:
        """Check a definition."""
        self._aliases = 0
        self._check_level([selections], 1, allowed_depth)

    def _check_level(self, sets: Iterable[SelectionSetNode], depth: int, allowed: int) -> None:
        """Check the selections that make one object of the answer, and all below them."""
        if depth > allowed:
            raise GraphQLError(f"the operation is deeper than {allowed} levels")
        for name, fields in self._merged(sets).items():
            if len(fields) > MAX_REPEATS:
                raise GraphQLError(
                    f"{name:.80} is asked for {len(fields)} times in one place,"
                    f" at most {MAX_REPEATS} is allowed",
                    fields[0],
                )
            below = [field.selection_set for field in fields if field.selection_set]
            if below:
                introspects = fields[0].name.value.startswith("__")
                self._check_level(
                    below, depth + 1, MAX_INTROSPECTION_DEPTH if introspects else allowed
                )

    def _merged(self, sets: Iterable[SelectionSetNode]) -> dict[str, list[FieldNode]]:
        """Return the fields by their names in the answer, fields of fragments included."""
        fields: dict[str, list[FieldNode]] = {}
        spread: set[str] = set()
        waiting = list(sets)
        while waiting:
            for selection in waiting.pop().selections:
                self._count()
                if isinstance(selection, FieldNode):
                    self._count_alias(selection)
                    fields.setdefault((selection.alias or selection.name).value, []).append(
                        selection
                    )
                elif isinstance(selection, InlineFragmentNode):
                    waiting.append(selection.selection_set)
                elif isinstance(selection, FragmentSpreadNode):
                    name = selection.name.value
                    # A missing fragment is left to validation, which has the message for it.
                    if name in self._fragments and name not in spread:
                        spread.add(name)
                        waiting.append(self._fragments[name])
        return fields

    def _count(self) -> None:
        self._selections += 1
        if self._selections > MAX_SELECTIONS:
            raise GraphQLError(
                f"the operation selects more than {MAX_SELECTIONS} fields and fragments"
            )

    def _count_alias(self, field: FieldNode) -> None:
        self._aliases += field.alias is not None
        if self._aliases > MAX_ALIASES:
            raise GraphQLError(f"the operation has more than {MAX_ALIASES} aliases", field)
