"""The manifest of a backup, which describes it: the last member of its archive."""

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Part(_Model):
    """One member of the archive: a piece of COPY's output for a table.

    Attributes:
        name: Its name in the archive.
        size: Its size in bytes.
        sha256: The SHA-256 of these bytes, in hexadecimal.
    """

    name: str
    size: int
    sha256: str


class TableCopy(_Model):
    """The rows of one table, or of one partition.

    Attributes:
        name: The table.
        parent: The table that it is a partition of; None if it is not a partition.
        month: The first day of the month that the partition holds; None likewise.
        columns: In the order in which they were copied.
        rows: The number of rows.
        parts: In order; together they are the output of COPY in its text form.
    """

    name: str
    parent: str | None
    month: date | None
    columns: tuple[str, ...]
    rows: int
    parts: tuple[Part, ...]


class SequenceValue(_Model):
    """The last number that a sequence has given."""

    name: str
    value: int


class Position(_Model):
    """How far persistence had come in one stream, before the rows were read.

    Attributes:
        stream: The broker's key.
        stored_up_to: Every entry up to this id is a row of the backup, or a dead letter.
        entries: How many entries the stream ever had up to this id.
    """

    stream: str
    stored_up_to: str
    entries: int


class Manifest(_Model):
    """What a backup holds.

    Attributes:
        format: The format of the archive; a reader that does not know it must not guess.
        project_version: The version of the code that took the backup.
        schema_revision: The revision of the database's schema.
        postgres_version: The version of the server.
        started_at: When the backup began; its rows are as of a moment just after that.
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
