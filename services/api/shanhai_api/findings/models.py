"""What does not add up in a plan, as it is answered and as a table for other programs."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any, Self

import orjson
from pydantic import Field

from shanhai.db.indicators.plan_indicators import PlanSeen
from shanhai.db.tables.control import DataFinding
from shanhai.timestamps import rfc3339
from shanhai.vector.formats import neutralised
from shanhai.vocabulary import SEVERITIES, Label, label_in
from shanhai_api.kit.answers import Answered, Link, Moment, one_of
from shanhai_api.negotiation import HTML, JSON, Format
from shanhai_api.plan_answers import OfPlan, PlanNamed, plan_links
from shanhai_api.view import View

CSV = Format("csv", "text/csv")
FORMATS = (JSON, HTML, CSV)
COLUMNS = ("code", "kind", "severity", "text_zh", "text_en", "figures", "found_at")


class FindingShown(Answered):
    """What a check found."""

    code: str
    kind: str
    severity: Annotated[str, one_of(SEVERITIES)]
    severity_name: str
    text: str
    text_zh: str
    text_en: str
    figures: dict[str, Any] = Field(
        description="The figures that do not add up, by names that differ from check to check"
    )
    found_at: Moment

    @classmethod
    def of(cls, row: DataFinding, view: View) -> Self:
        """A finding as it is shown."""
        return cls.from_row(
            row,
            severity_name=label_in(SEVERITIES, row.severity, view.lang),
            text=Label(row.text_zh, row.text_en).in_(view.lang),
        )


class SeverityCounts(Answered):
    """How many findings there are of each severity, the worst first."""

    high: int = 0
    medium: int = 0
    low: int = 0
    info: int = 0


class PlanFindings(OfPlan):
    """What the checks of a plan's figures found when they last ran, the worst first."""

    template = "findings.html"
    formats = FORMATS

    checked: bool = Field(description="Whether the checks ran at all")
    counts: SeverityCounts
    findings: list[FindingShown]
    links: list[Link]

    @classmethod
    def of(cls, plan: PlanSeen, found: Sequence[DataFinding], view: View, *, checked: bool) -> Self:
        """The findings of a plan."""
        counts = Counter(row.severity for row in found)
        return cls.about(
            plan,
            checked=checked,
            counts=SeverityCounts(**counts),
            findings=[FindingShown.of(row, view) for row in found],
            links=plan_links(view, plan, *FORMATS),
        )


class PlanChecked(PlanNamed):
    """What checking a plan again came to."""

    found: int = Field(description="Findings there are")
    changed: int = Field(description="Findings that are new, changed or gone")


def as_csv(rows: Sequence[DataFinding]) -> bytes:
    """The findings in lines, after a mark by which spreadsheets know UTF-8."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for row in rows:
        figures, found_at = orjson.dumps(row.figures).decode(), rfc3339(row.found_at) or ""
        cells = (row.code, row.kind, row.severity, row.text_zh, row.text_en, figures, found_at)
        writer.writerow([neutralised(cell) for cell in cells])
    return "\ufeff".encode() + text.getvalue().encode()
