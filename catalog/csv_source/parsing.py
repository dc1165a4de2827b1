"""Blocks of text into rows: at full speed where all is well, line by line where it is not."""

from __future__ import annotations

import csv
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from catalog.csv_source.blocks import Block, Preamble
from catalog.csv_source.mapping import SIZES, TIME, ColumnMap
from catalog.csv_source.rows import NULL_TEXTS, BadRow, Conversion, Rows

CAREFUL_BYTES = 65_536
"""A block that fails is tried again in pieces of this size; only pieces that fail are read line by line."""


class BlockParser:
    """Parses the blocks of one file whose layout is known."""

    def __init__(self, preamble: Preamble, mapping: ColumnMap, conversion: Conversion) -> None:
        self._header = preamble.header
        self._delimiter = preamble.delimiter
        self._column_of = mapping.column_of
        self._conversion = conversion
        pattern = conversion.times.pattern
        self._options = pa_csv.ConvertOptions(
            column_types={
                column: _fast_type(name, _sample(preamble, column), conversion)
                for name, column in mapping.column_of.items()
            },
            include_columns=list(mapping.column_of.values()),
            null_values=NULL_TEXTS,
            timestamp_parsers=[pattern] if pattern else [pa_csv.ISO8601],
        )

    def parse(self, block: Block) -> Iterator[Rows]:
        """Yield the rows of a block, as one piece if all of it can be read."""
        rows = self._fast(block)
        if rows is not None:
            yield rows
        else:
            for piece in _pieces(block):
                yield self._fast(piece) or self._careful(piece)

    def record(self, line: bytes) -> list[str]:
        """Return the values of one line; none if its quoting is broken."""
        try:
            return next(
                csv.reader([line.decode(errors="replace").rstrip("\r")], delimiter=self._delimiter), []
            )
        except csv.Error:
            return []

    def position(self, name: str) -> int:
        """Return where in a line the field `name` stands."""
        return self._header.index(self._column_of[name])

    def _fast(self, block: Block) -> Rows | None:
        """Return the rows when every line is one; None where one is blank, ragged or cannot be read."""
        if not block.line_count:
            return None
        try:
            table = pa_csv.read_csv(
                pa.BufferReader(pa.py_buffer(block.data)),
                read_options=pa_csv.ReadOptions(
                    column_names=self._header, use_threads=False, block_size=len(block.data) + 1
                ),
                parse_options=pa_csv.ParseOptions(delimiter=self._delimiter),
                convert_options=self._options,
            )
            # An unclosed quote swallows lines without an error.
            if table.num_rows != block.line_count:
                return None
            batch = table.combine_chunks().to_batches()[0]
            columns = dict(zip(self._column_of, batch.columns, strict=True))
            lines = range(block.first_line, block.first_line + block.line_count)
            return self._conversion.rows(columns, lines, _LineTexts(block, self))
        except pa.ArrowInvalid:
            return None

    def _careful(self, block: Block) -> Rows:
        """Return the rows that can be read, naming the others."""
        bad: list[BadRow] = []
        lines: list[int] = []
        records: list[list[str]] = []
        for number, text in enumerate(bytes(block.data).split(b"\n"), block.first_line):
            if not text.strip():
                continue
            record = self.record(text)
            if len(record) == len(self._header):
                lines.append(number)
                records.append(record)
            else:
                why = f"has {len(record)} columns, the header has {len(self._header)}"
                bad.append(BadRow(number, "", text.decode(errors="replace").strip(), why))
        texts = {
            name: pa.array([record[self.position(name)].strip() for record in records], pa.string())
            for name in self._column_of
        }
        return self._conversion.rows_from_text(texts, np.array(lines, np.int64), bad)


class _LineTexts:
    """What the lines of a block say, looked up only when a row has to be named."""

    def __init__(self, block: Block, parser: BlockParser) -> None:
        self._block = block
        self._parser = parser
        self._lines: list[bytes] | None = None

    def __call__(self, row: int, name: str) -> str:
        if self._lines is None:
            self._lines = bytes(self._block.data).split(b"\n")
        return self._parser.record(self._lines[row])[self._parser.position(name)]


def _sample(preamble: Preamble, column: str) -> list[str]:
    position = preamble.header.index(column)
    return [row[position] for row in preamble.sample if len(row) == len(preamble.header)]


def _fast_type(name: str, sample: list[str], conversion: Conversion) -> pa.DataType:
    """Return the type that is read fastest and takes all of `sample`."""
    if name == TIME:
        return conversion.times.column_type
    if name in SIZES and all(text.strip().isdigit() for text in sample):
        return pa.int64()
    return conversion.type_of(name)


def _pieces(block: Block) -> Iterator[Block]:
    text = bytes(block.data)
    line, start = block.first_line, 0
    while start < len(text):
        stop = text.find(b"\n", start + CAREFUL_BYTES) + 1 or len(text)
        count = text.count(b"\n", start, stop) + (text[stop - 1] != ord("\n"))
        yield Block(block.data[start:stop], line, count)
        line, start = line + count, stop
