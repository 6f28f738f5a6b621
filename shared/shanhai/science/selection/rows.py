"""Rows of a linear programme, gathered one by one or in blocks."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import coo_array, csc_array

from shanhai.science.arrays import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class ConstraintRow:
    """`low ≤ Σ values·x[columns] ≤ high`."""

    columns: IntArray
    values: FloatArray
    low: float
    high: float


@dataclass(slots=True)
class RowBlock:
    """Rows that are being gathered."""

    count: int = 0
    _rows: list[IntArray] = field(default_factory=list)
    _columns: list[IntArray] = field(default_factory=list)
    _values: list[FloatArray] = field(default_factory=list)
    _low: list[FloatArray] = field(default_factory=list)
    _high: list[FloatArray] = field(default_factory=list)

    def add(self, rows: Iterable[ConstraintRow]) -> None:
        """Append single rows."""
        for row in rows:
            self._rows.append(np.full(len(row.columns), self.count))
            self._columns.append(row.columns)
            self._values.append(row.values)
            self._low.append(np.array([row.low]))
            self._high.append(np.array([row.high]))
            self.count += 1

    def add_at_most_0(
        self, count: int, rows: IntArray, columns: IntArray, values: FloatArray
    ) -> None:
        """Append so many rows `Σ values·x[columns] ≤ 0` at once; `rows` are counted from 0."""
        self._rows.append(self.count + rows)
        self._columns.append(columns)
        self._values.append(values)
        self._low.append(np.full(count, -math.inf))
        self._high.append(np.zeros(count))
        self.count += count

    def matrix(self, width: int) -> tuple[csc_array, FloatArray, FloatArray]:
        """The rows as a sparse matrix of that many columns, with their bounds."""
        values, rows, columns = (
            np.concatenate(parts) if parts else np.array([], dtype=kind)
            for parts, kind in (
                (self._values, np.float64),
                (self._rows, np.int64),
                (self._columns, np.int64),
            )
        )
        shape = (self.count, width)
        bounds = (np.concatenate(side) if side else np.zeros(0) for side in (self._low, self._high))
        low, high = bounds
        return csc_array(coo_array((values, (rows, columns)), shape=shape)), low, high
