"""What all repositories share: conditions, pages that start after a key, rows as models."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import GenericAlias
from typing import Any, Generic, LiteralString, Self, TypeVar

from psycopg import sql
from psycopg.rows import dict_row
from pydantic import BaseModel, TypeAdapter

from libs.common.database import READ_PATIENCE_S, Pool, hanging_up_at
from services.gateway.cursor import Order

_Item = TypeVar("_Item")
_Model = TypeVar("_Model", bound=BaseModel)

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Slice(Generic[_Item]):
    """A page of an order; `next` is the cursor of the following one, None on the last."""

    items: list[_Item]
    next: str | None


class Conditions:
    """What rows must fulfil."""

    def __init__(self) -> None:
        self._all: list[sql.Composable] = [sql.SQL("true")]
        self.values: dict[str, object] = {}

    def add(self, condition: LiteralString, **values: object) -> Self:
        """Add a condition on values by name; it is left out where one of them is None."""
        if None not in values.values():
            self._all.append(sql.SQL(condition))
            self.values |= values
        return self

    def add_behind(self, order: Order, cursor: str | None) -> Self:
        """Leave out the rows that the pages up to a cursor have shown.

        Raises:
            InvalidCursorError: It is no cursor of this order.
        """
        if cursor is not None:
            names = [f"behind_{index}" for index in range(len(order.keys))]
            self._all.append(
                sql.SQL("({}) {} ({})").format(
                    sql.SQL(", ").join(map(sql.SQL, order.keys)),
                    sql.SQL("<" if order.descending else ">"),
                    sql.SQL(", ").join(map(sql.Placeholder, names)),
                )
            )
            self.values |= dict(zip(names, order.values_of(cursor), strict=True))
        return self

    @property
    def where(self) -> sql.Composed:
        """All conditions, in the form that follows WHERE."""
        return sql.SQL(" AND ").join(self._all)


@dataclass(frozen=True, slots=True)
class Selection(Generic[_Item]):
    """What is read: where from, which columns, and what a row becomes."""

    source: LiteralString
    columns: Sequence[str]
    read: Callable[[Sequence[Row]], list[_Item]]


def selection(source: LiteralString, model: type[_Model]) -> Selection[_Model]:
    """Return the selection of a model whose fields have the names of columns."""
    rows_type: Any = GenericAlias(list, (model,))
    adapter: TypeAdapter[list[_Model]] = TypeAdapter(rows_type)

    def read(rows: Sequence[Row]) -> list[_Model]:
        return adapter.validate_python(rows)

    return Selection(source, tuple(model.model_fields), read)


class Reader:
    """Asks the database; its role can only read."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def rows(
        self, statement: sql.SQL | sql.Composed, values: Mapping[str, object]
    ) -> list[Row]:
        """Return the rows of a statement.

        Raises:
            psycopg.Error: One of `TRANSIENT_ERRORS`: the database is away, or hangs.
        """
        deadline_s = asyncio.get_running_loop().time() + READ_PATIENCE_S
        async with (
            self._pool.connection() as connection,
            hanging_up_at(connection, deadline_s),
            # Ended here, within the deadline: the pool would end it too, but without a limit.
            connection.transaction(),
            connection.cursor(row_factory=dict_row) as cursor,
        ):
            await cursor.execute(statement, values)
            return list(await cursor.fetchall())

    async def page(
        self,
        what: Selection[_Item],
        conditions: Conditions,
        order: Order,
        *,
        cursor: str | None,
        limit: int,
    ) -> Slice[_Item]:
        """Return a page.

        Raises:
            InvalidCursorError: It is no cursor of this order.
        """
        conditions.add_behind(order, cursor)
        keys = [f"key_{index}" for index in range(len(order.keys))]
        direction = sql.SQL(" DESC" if order.descending else " ASC")
        statement = sql.SQL(
            "SELECT {columns}, {keys} FROM {source} WHERE {where} ORDER BY {order} LIMIT %(limit)s"
        ).format(
            columns=sql.SQL(", ").join(map(sql.Identifier, what.columns)),
            keys=sql.SQL(", ").join(
                sql.SQL("{} AS {}").format(sql.SQL(expression), sql.Identifier(key))
                for expression, key in zip(order.keys, keys, strict=True)
            ),
            source=sql.SQL(what.source),
            where=conditions.where,
            order=sql.SQL(", ").join(sql.SQL(key) + direction for key in order.keys),
        )
        # One row more than asked for tells whether there is a next page.
        rows = await self.rows(statement, {**conditions.values, "limit": limit + 1})
        shown = rows[:limit]
        following = None
        if len(rows) > limit:
            following = order.cursor_after([shown[-1][key] for key in keys])
        return Slice(what.read(shown), following)

    async def first(self, what: Selection[_Item], conditions: Conditions) -> _Item | None:
        """Return the first row that fulfils the conditions, if there is one."""
        statement = sql.SQL("SELECT {} FROM {} WHERE {} LIMIT 1").format(
            sql.SQL(", ").join(map(sql.Identifier, what.columns)),
            sql.SQL(what.source),
            conditions.where,
        )
        found = what.read(await self.rows(statement, conditions.values))
        return found[0] if found else None

    async def count(self, source: LiteralString, conditions: Conditions) -> int:
        """Return how many rows there are."""
        statement = sql.SQL("SELECT count(*) AS rows FROM {} WHERE {}").format(
            sql.SQL(source), conditions.where
        )
        return int((await self.rows(statement, conditions.values))[0]["rows"])
