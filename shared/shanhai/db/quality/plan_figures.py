"""What a plan prints, as the checks read it, and findings as they tell them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from typing import Any, Literal

from shanhai.science.units import without_zeros
from shanhai.vocabulary import Label

EDITION_MARK = re.compile(r"\.v[0-9]+$", re.ASCII)
"""What the code of a copy ends in."""
Severity = Literal["info", "low", "medium", "high"]
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PlanFinding:
    """What a check found; `code` is unique within the plan."""

    code: str
    kind: str
    severity: Severity
    text: Label
    figures: Mapping[str, Any]

    @classmethod
    def of(
        cls, code: str, severity: Severity, zh: str, en: str, figures: Mapping[str, Any]
    ) -> "PlanFinding":
        """A finding whose code begins with its kind."""
        return cls(code, code.partition(".")[0], severity, Label(zh, en), figures)


@dataclass(frozen=True)
class PlanFigures:
    """Everything known of one plan, by table; references are codes."""

    plan: Row
    rows: Mapping[str, Sequence[Row]]

    def listed(self, table: str) -> list[Row]:
        """The rows of a table that belong to the plan, or to its region."""
        rows = self.rows.get(table, ())
        return [row for row in rows if row.get("plan", self.plan["code"]) == self.plan["code"]]

    def printed(self, *kinds: str) -> list[Row]:
        """The figures of some kinds that the plan prints beside its indicators."""
        return [row for row in self.listed("plan_figure") if row["kind"] in kinds]

    @cached_property
    def tasks(self) -> list[Row]:
        """The tasks the plan sets itself."""
        return [row for row in self.listed("plan_provision") if row["kind"] == "task"]

    @cached_property
    def region(self) -> Row:
        """The plan's region; empty when it has none."""
        code = self.plan.get("region")
        return next((row for row in self.rows.get("region", ()) if row["code"] == code), {})

    @cached_property
    def towns(self) -> list[Row]:
        """The streets and towns of the plan's region."""
        return [
            row
            for row in self.rows.get("region", ())
            if row.get("parent") == self.plan.get("region") and row["level"] in {"street", "town"}
        ]

    @cached_property
    def area(self) -> Decimal | None:
        """The area of the region as printed, in km²."""
        stated = self.region.get("attrs", {}).get("stated_area_km2")
        return None if stated is None else number(stated)

    @cached_property
    def zones(self) -> list[Row]:
        """The zones of the plan's own zoning, each with the codes of its `towns`."""
        own = {f"plan_zones.{code}" for code in (self.plan["code"], self.plan.get("lineage"))}
        schemes = {row["code"] for row in self.listed("zone_scheme") if row["kind"] in own}
        towns: dict[str, list[str]] = {}
        for link in self.rows.get("zone_town", ()):
            towns.setdefault(link["zone"], []).append(link["region"])
        return [
            {**row, "towns": towns.get(row["code"], [])}
            for row in self.rows.get("zone", ())
            if row["scheme"] in schemes
        ]

    @cached_property
    def projects(self) -> list[Row]:
        """The projects of the plan, each with the codes of its `towns` and `problems`."""
        towns, problems = (
            self._links("project_region", "region"),
            self._links("project_problem", "problem"),
        )
        return [
            {**row, "towns": towns.get(row["code"], []), "problems": problems.get(row["code"], [])}
            for row in self.listed("project")
        ]

    def _links(self, table: str, member: str) -> dict[str, list[str]]:
        links: dict[str, list[str]] = {}
        for row in self.rows.get(table, ()):
            links.setdefault(row["project"], []).append(row[member])
        return links

    @cached_property
    def indicators(self) -> list["Measured"]:
        """The plan's indicators with their figures, in their order."""
        known = {row["code"]: row for row in self.rows.get("indicator", ())}
        return [
            Measured(self, row, known[row["indicator"]])
            for row in sorted(self.listed("plan_indicator"), key=lambda row: row["order_no"])
        ]

    def problem(self, code: str | None) -> Row | None:
        """The problem with the code, or the copy of it that this edition holds."""
        return next((row for row in self.listed("problem") if code in _codes_of(row)), None)


@dataclass(frozen=True)
class Measured:
    """An indicator of a plan."""

    figures: PlanFigures
    listed: Row
    known: Row

    @property
    def code(self) -> str:
        """Its code."""
        code: str = self.known["code"]
        return code

    @property
    def attrs(self) -> Mapping[str, Any]:
        """What the plan says of it besides."""
        attrs: Mapping[str, Any] = self.listed.get("attrs", {})
        return attrs

    @cached_property
    def targets(self) -> list[Row]:
        """Its targets in the plan, in the order of years."""
        return sorted(self._of("target"), key=lambda row: row["year"] or 0)

    @cached_property
    def base(self) -> Decimal | None:
        """The value of the base year, None where none is printed."""
        values = [row["value"] for row in self._of("base") if row["value"] is not None]
        return number(values[0]) if values else None

    def _of(self, role: str) -> Iterator[Row]:
        return (
            row
            for row in self.figures.listed("indicator_target")
            if row["indicator"] == self.code and row["role"] == role
        )


def _codes_of(row: Row) -> set[str]:
    """The code of a row, and that of the row it is a copy of, in whichever edition."""
    code: str = row["code"]
    return {code} if row.get("copied_from") is None else {code, EDITION_MARK.sub("", code)}


def number(value: Any) -> Decimal:
    """A figure as it was written; JSON knows no difference between 386 and 386.0."""
    whole = isinstance(value, float) and value.is_integer()
    return Decimal(str(int(value) if whole else value))


def rounded(value: Decimal, places: int = 2) -> float:
    """The figure with so many decimals, as people round."""
    return float(value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP))


def shown(value: Decimal | float) -> str:
    """The figure without zeros nobody needs."""
    return without_zeros(number(value))


def slack(value: Decimal) -> Decimal:
    """How far what a figure stands for may lie from it: half of its last digit."""
    exponent = value.as_tuple().exponent
    return Decimal("0.5").scaleb(exponent if isinstance(exponent, int) else 0)


def percent_range(part: Decimal, whole: Decimal) -> tuple[Decimal, Decimal]:
    """The percentages that two rounded figures allow."""
    low = (part - slack(part)) / (whole + slack(whole)) * 100
    high = (part + slack(part)) / (whole - slack(whole)) * 100
    return low, high


def in_words(names: Sequence[str], lang: Literal["zh", "en"]) -> str:
    """Names in a row."""
    if not names:
        return "无" if lang == "zh" else "none"
    return ("、" if lang == "zh" else ", ").join(names)
