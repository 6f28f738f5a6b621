"""What a month's file is made of: the rows of its partition, and those of the file before.

A series has its rows of a month in one of the two, so that they are joined series by series, in
order, and neither is ever held as a whole.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shanhai.monitoring.observation import NO_FEATURE, ObservedRows
from shanhai.vector import observation_file


@dataclass(frozen=True, slots=True)
class MonthFile:
    """A file that was written.

    Attributes:
        sha256: Of its rows, packed.
        live_sha256: Of the rows that came from the partition, whether kept or not.
        keys: Its series, in their order, and of each how many rows it has, its first and last time,
            and the sampling features they are of.
    """

    rows: int
    sha256: str
    live_sha256: str
    keys: NDArray[np.int64]
    numbers: NDArray[np.int64]
    firsts: NDArray[np.int64]
    lasts: NDArray[np.int64]
    features: list[list[int]]


class Composing:
    """Writes the file of a month.

    Args:
        former: The rows of the file before that still count, in their order.
        since: By property, the time before which rows are not kept any more.
    """

    def __init__(
        self,
        path: Path,
        names: observation_file.Names,
        former: Iterable[ObservedRows],
        since: Mapping[int, int],
    ) -> None:
        self._writer = observation_file.ObservationWriter(path, names)
        self._former = _Former(former)
        self._since = since
        self._content, self._live = hashlib.sha256(), hashlib.sha256()
        self._series: dict[int, tuple[int, int, int]] = {}
        self._features = defaultdict[int, set[int]](set)

    def add(self, live: ObservedRows) -> None:
        """Add rows of the partition, behind those before in the order of series and time."""
        self._live.update(live.packed())
        if self._former.is_over:
            self._write(live)
            return
        keys = live.keys()
        edges = (np.flatnonzero(keys[1:] != keys[:-1]) + 1).tolist()
        for start, end in pairwise([0, *edges, len(keys)]) if len(keys) else ():
            for rows in self._former.before(int(keys[start])):
                self._write(rows)
            self._write(live.take(slice(start, end)))

    def finish(self) -> MonthFile:
        """Write what is left, and tell what the file has."""
        for rows in self._former.before(2**62):
            self._write(rows)
        self._writer.close()
        keys = np.array(sorted(self._series), np.int64)
        told = np.array([self._series[key] for key in keys.tolist()], np.int64).reshape(-1, 3)
        return MonthFile(
            int(told[:, 0].sum()),
            self._content.hexdigest(),
            self._live.hexdigest(),
            keys,
            told[:, 0],
            told[:, 1],
            told[:, 2],
            [sorted(self._features[key]) for key in keys.tolist()],
        )

    def _write(self, rows: ObservedRows) -> None:
        kept = rows.take(still_kept(rows, self._since)) if self._since else rows
        if not len(kept):
            return
        self._writer.write(kept)
        self._content.update(kept.packed())
        of_one = kept.take(kept.feature != NO_FEATURE)
        for key, feature in zip(of_one.keys().tolist(), of_one.feature.tolist(), strict=True):
            self._features[key].add(feature)
        keys, begins, numbers = np.unique(kept.keys(), return_index=True, return_counts=True)
        ends = begins + numbers - 1
        for key, first, last, number in zip(
            keys.tolist(),
            kept.time[begins].tolist(),
            kept.time[ends].tolist(),
            numbers.tolist(),
            strict=True,
        ):
            before = self._series.get(key)
            if before is not None:
                first, number = before[1], before[0] + number
            self._series[key] = (number, first, last)


def still_kept(rows: ObservedRows, since: Mapping[int, int]) -> NDArray[np.bool_]:
    """Which rows are not older than their property's values are kept."""
    kept = np.ones(len(rows), np.bool_)
    for number, first in since.items():
        kept &= (rows.property != number) | (rows.time >= first)
    return kept


def check_file(path: Path, composed: MonthFile) -> bool:
    """Whether a file has exactly the rows that were to be written; all of it is read.

    Raises:
        Unavailable: it is damaged.
    """
    observation_file.demand_sound(path)
    content, number = hashlib.sha256(), 0
    for rows in observation_file.read_rows(path, observation_file.RowFilter()):
        content.update(rows.packed())
        number += len(rows)
    return number == composed.rows and content.hexdigest() == composed.sha256


class _Former:
    """The rows of the file before, handed out up to a series."""

    def __init__(self, groups: Iterable[ObservedRows]) -> None:
        self._groups = iter(groups)
        self._rows = next(self._groups, None)

    @property
    def is_over(self) -> bool:
        """Whether all were handed out."""
        return self._rows is None

    def before(self, key: int) -> Iterator[ObservedRows]:
        """Those of series before one, that were not handed out yet."""
        while self._rows is not None:
            keys = self._rows.keys()
            end = int(np.searchsorted(keys, key))
            if end:
                yield self._rows.take(slice(end))
            if end < len(keys):
                self._rows = self._rows.take(slice(end, None))
                return
            self._rows = next(self._groups, None)
