"""What alerts are about."""

from dataclasses import dataclass
from typing import Any

from shanhai.db.tables.alert import SUBJECT


@dataclass(frozen=True, slots=True)
class Subject:
    """A station, a case, the lines of a region, or a target.

    A target is an indicator of a plan in a region, by a year or always; a region alone, its lines.
    """

    station_id: int | None = None
    plan_indicator_id: int | None = None
    target_region_id: int | None = None
    target_year: int | None = None
    case_id: int | None = None

    @classmethod
    def of(cls, row: Any) -> "Subject":
        """The subject of a row that has its columns."""
        return cls(*(getattr(row, name) for name in SUBJECT))

    @property
    def columns(self) -> dict[str, int | None]:
        """Its columns in the tables of alerts and watches."""
        return {name: getattr(self, name) for name in SUBJECT}


Place = tuple[int, Subject]
"""A rule, by its id, and what it watches there."""
