"""What is found in the rows of a file: one line each, kept on disk and not in memory."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from shanhai.vocabulary import Label

Severity = Literal["error", "note"]
Rule = Literal[
    "unreadable",
    "crs",
    "code",
    "duplicate",
    "type",
    "required",
    "reference",
    "geometry",
    "dimension",
    "vertices",
    "invalid",
    "overlap",
    "gap",
    "repaired",
    "authority",
    "state",
    "guard",
]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a row, or, with row 0, about all of them.

    Attributes:
        row: Counted from 1, without the header of a table.
        member: The property it is about; `geometry` for the geometry.
        place: Longitude and latitude.
    """

    row: int
    code: str | None
    rule: Rule
    detail: Label
    member: str | None = None
    place: tuple[float, float] | None = None
    severity: Severity = "error"

    def document(self) -> dict[str, Any]:
        """The finding as reports have it."""
        lon, lat = self.place or (None, None)
        return {
            "row": self.row,
            "code": self.code,
            "severity": self.severity,
            "rule": self.rule,
            "member": self.member,
            "detail": self.detail.en,
            "detail_zh": self.detail.zh,
            "lon": lon,
            "lat": lat,
        }


class Findings:
    """Collects findings in a file and remembers which rows are rejected."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("w", encoding="utf-8")
        self.rejected: set[int] = set()
        self.rules: Counter[str] = Counter()
        self.general_errors = 0

    def add(self, finding: Finding) -> None:
        """Note a finding; an error rejects its row."""
        self.rules[finding.rule] += 1
        if finding.severity == "error":
            if finding.row:
                self.rejected.add(finding.row)
            else:
                self.general_errors += 1
        self._file.write(json.dumps(finding.document(), ensure_ascii=False) + "\n")

    def read(self) -> Iterator[dict[str, Any]]:
        """All findings so far, in the order they were made."""
        self._file.flush()
        with self._path.open(encoding="utf-8") as file:
            for line in file:
                yield json.loads(line)

    def close(self) -> None:
        """Nothing more will be found."""
        self._file.close()
