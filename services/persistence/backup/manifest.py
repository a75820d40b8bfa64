"""What a backup says of itself: the last member of its archive."""

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Part(_Model):
    """One member of the archive: a piece of what COPY gave for a table.

    Attributes:
        name: Its name in the archive.
        size: Bytes.
        sha256: Of these bytes, in hexadecimal.
    """

    name: str
    size: int
    sha256: str


class TableCopy(_Model):
    """The rows of one table, or of one partition.

    Attributes:
        name: The table.
        parent: The table that it is a partition of.
        month: The first day of the month that the partition holds.
        columns: In the order in which they were copied.
        rows: Their number.
        parts: In order; together they are the output of COPY in its text form.
    """

    name: str
    parent: str | None
    month: date | None
    columns: tuple[str, ...]
    rows: int
    parts: tuple[Part, ...]


class SequenceValue(_Model):
    """The last number that a sequence gave."""

    name: str
    value: int


class Position(_Model):
    """How far persistence had come in one stream, before the rows were looked at.

    Attributes:
        stream: The broker's key.
        stored_up_to: Every entry up to this id is a row of the backup, or a dead letter.
        entries: How many entries the stream ever had up to there.
    """

    stream: str
    stored_up_to: str
    entries: int


class Manifest(_Model):
    """What a backup holds.

    Attributes:
        format: Of the archive; a reader that does not know it must not guess.
        project_version: Of the code that took it.
        schema_revision: Of the database.
        postgres_version: Of the server.
        started_at: When it began, and with it the moment that its rows are of.
        finished_at: When the last row was copied.
        positions: One per stream; empty when the broker did not answer.
        tables: All tables.
        sequences: All sequences that were ever used.
    """

    format: Literal[1] = 1
    project_version: str
    schema_revision: str
    postgres_version: str
    started_at: datetime
    finished_at: datetime
    positions: tuple[Position, ...]
    tables: tuple[TableCopy, ...]
    sequences: tuple[SequenceValue, ...]

    @property
    def rows(self) -> int:
        """How many rows it holds."""
        return sum(table.rows for table in self.tables)
