"""What makes up a package: its tables and columns, its members and its manifest."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import Column, Table

import shanhai.db.tables  # noqa: F401 - fills the metadata
from shanhai.db.base import Base
from shanhai.db.editions.content import CONTENT, held
from shanhai.db.tables.duty import PARTS
from shanhai.errors import InvalidInput

PLAN, JOB = "plan", "job"
NOT_KEPT = frozenset({"id", "row_version", "updated_at", "uri"})
"""Columns a rebuilt row has of its own."""
JOB_KEPT = frozenset({"id", "kind", "created_at", "finished_at"})
"""All that a package tells of a job: that there was one, which ended well."""
STANDING = frozenset({"project_state", "project_transition"})
"""Tables every database has alike; what refers to them keeps its values."""
NEEDED: Mapping[str, str | None] = {
    "region": "code",
    "party": "code",
    "indicator": "code",
    "zone_class": "code",
    "fund_source": "code",
    PLAN: "code",
    JOB: "id",
}
"""Tables whose rows come along where others refer to them, and by what those that are there already
are known again."""
_LISTS: Mapping[tuple[str, str], str] = {
    ("region", "member_ids"): "region",
    (PLAN, "region_ids"): "region",
    ("plan_provision", "region_ids"): "region",
    ("plan_figure", "project_ids"): "project",
    **{("duty", f"{part}_ids"): "party" for part in PARTS},
    **{(content.table, name): to for content in CONTENT for name, to in content.lists.items()},
}
SHARED = frozenset({*NEEDED, "control_rule", "named_feature"})
"""Tables with rows that belong to no plan, and are known again by their codes."""
NAMED_ONLY = "deleted_at = created_at"
"""SQL that holds for plans that packages of others named: for everybody else they are not there."""
_MEMBER = "o.id IN (SELECT m.project_id FROM plan_membership m WHERE m.plan_id = :plan)"
_IN_REGIONS = (
    "o.region_id IN (SELECT unnest(p.region_ids || p.region_id) FROM plan p WHERE p.id = :plan)"
)
_OF_PROJECT = "o.project_id = ANY(:project)"


@dataclass(frozen=True)
class Holding:
    """A table of the package.

    Attributes:
        which: SQL of which rows `o` belong to the plan `:plan`; `:project` and the like hold the
            numbers of rows taken before. None where rows come along only.
        again: SQL that holds for a row `o` which is the given row `r` already, though no code says
            so.
    """

    table: str
    which: str | None = None
    again: str | None = None

    @property
    def columns(self) -> Table:
        """The table as it is declared."""
        return Base.metadata.tables[self.table]

    @property
    def numbered(self) -> bool:
        """Whether its rows have numbers, by which others can refer to them."""
        return "id" in self.columns.columns

    @cached_property
    def references(self) -> Mapping[str, str]:
        """The columns that hold the number of another row, and the table of that row."""
        found: dict[str, str] = {}
        for column in self.columns.columns:
            for key in column.foreign_keys:
                target = key.column.table.name
                if target not in STANDING:
                    found[column.name] = target
        return found

    @cached_property
    def lists(self) -> Mapping[str, str]:
        """The columns that hold several such numbers."""
        return {name: to for (table, name), to in _LISTS.items() if table == self.table}

    @cached_property
    def kept(self) -> tuple[Column[object], ...]:
        """The columns that travel as they are."""
        return tuple(self._kept())

    def _kept(self) -> Iterator[Column[object]]:
        for column in self.columns.columns:
            if self.table == JOB:
                if column.name in JOB_KEPT:
                    yield column
            elif (
                column.name not in NOT_KEPT
                and column.computed is None
                and column.name not in self.references
                and column.name not in self.lists
            ):
                yield column

    @property
    def links(self) -> Mapping[str, str]:
        """All columns that refer to rows of tables of the package."""
        known = by_table()
        both = {**self.references, **self.lists} if self.table != JOB else {}
        return {name: to for name, to in both.items() if to in known}

    def shapes(self) -> tuple[str, ...]:
        """The columns with geometry."""
        return tuple(item.name for item in self.kept if isinstance(item.type, Geometry))

    def required(self, name: str) -> bool:
        """Whether a row cannot be without what the column refers to."""
        return not self.columns.columns[name].nullable


HOLDINGS: tuple[Holding, ...] = (
    Holding(PLAN, "o.id = :plan"),
    *(Holding(content.table, held(content, "o", ":plan")) for content in CONTENT),
    Holding("project", f"o.plan_id = :plan OR {_MEMBER}"),
    Holding("plan_project", "o.plan_id = :plan"),
    Holding("project_region", _OF_PROJECT),
    Holding(
        "project_problem",
        _OF_PROJECT,
        again="o.project_id = r.project_id AND o.problem_id = r.problem_id",
    ),
    Holding("project_measure", _OF_PROJECT),
    Holding("project_event", _OF_PROJECT),
    Holding("fund_entry", _OF_PROJECT),
    Holding("compliance_exception", _OF_PROJECT),
    Holding("plan_decision", "o.plan_id = :plan"),
    Holding("plan_check", "o.plan_id = :plan"),
    Holding("data_finding", "o.plan_id = :plan"),
    Holding("evaluation_snapshot", "o.plan_id = :plan"),
    Holding("duty_review", "o.plan_id = :plan"),
    Holding("duty_report", "o.review_id = ANY(:duty_review)"),
    Holding("zone_adjustment", "o.scheme_id = ANY(:zone_scheme)"),
    Holding("named_feature", _IN_REGIONS),
    Holding(
        "indicator_value",
        "o.indicator_id IN (SELECT i.indicator_id FROM plan_indicator i"  # noqa: S608 - ours
        f" WHERE i.plan_id = :plan AND i.deleted_at IS NULL) AND {_IN_REGIONS}",
        again="o.indicator_id = r.indicator_id AND o.region_id = r.region_id"
        " AND o.year = r.year AND o.value = r.value AND o.recorded_at = r.recorded_at",
    ),
    Holding(
        "document",
        "o.owner_collection = 'projects' AND o.owner_code IN"
        " (SELECT p.code FROM project p WHERE p.id = ANY(:project))"
        " OR o.owner_collection = 'plans' AND o.owner_code ="
        " (SELECT p.code FROM plan p WHERE p.id = :plan)",
        again="(o.code, o.owner_code, o.sha256) = (r.code, r.owner_code, r.sha256)"
        " AND o.deleted_at IS NULL",
    ),
    *(Holding(table) for table in NEEDED if table != PLAN),
)
"""In the order they are read; what others ask for comes first."""
OF_CLASSES = (
    "o.plan_id IS NULL AND o.scope = 'zone_class' AND o.subject IN"
    " (SELECT c.code FROM zone_class c WHERE c.id = ANY(:zone_class))"
)
"""Rules of zone classes belong to no plan, and hold in every one that has the classes."""


@cache
def by_table() -> Mapping[str, Holding]:
    """The tables of a package by their names."""
    return {item.table: item for item in HOLDINGS}


@cache
def in_order() -> tuple[Holding, ...]:
    """The tables so that what a row refers to comes before it."""
    known = by_table()
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for name in sorted(known):
        sorter.add(name, *sorted({to for to in known[name].links.values() if to != name}))
    return tuple(known[name] for name in sorter.static_order())


FORMAT, VERSION = "shanhai-plan-package", 1
LAYERS = "plan.gpkg"
"""The shapes, to look at; what is rebuilt is in the rows."""
ROWS, DOCUMENTS = "rows", "documents"
DOCUMENT = re.compile(rf"{DOCUMENTS}/[0-9a-f]{{64}}", re.ASCII)
LONGEST_LINE = 64 * 1024**2
UPLOAD = "/inputs/upload"


def about(plan: str) -> dict[str, Any]:
    """What a manifest says beside the members."""
    return {"format": FORMAT, "version": VERSION, "plan": plan}


def member_of(holding: Holding) -> str:
    """The member with the rows of a table."""
    return f"{ROWS}/{holding.table}.json"


def plan_of(manifest: Mapping[str, Any]) -> str:
    """The code of the plan a package is of.

    Raises:
        InvalidInput: it is a package of something else, or of another version, or has a member
            that packages do not have.
    """
    plan = manifest.get("plan")
    if manifest.get("format") != FORMAT or not isinstance(plan, str):
        raise _refused("the file is no package of a plan", "文件不是规划包")
    if manifest.get("version") != VERSION:
        raise _refused(
            f"the package is of version {manifest.get('version')!r}; {VERSION} is read here",
            f"规划包版本为 {manifest.get('version')!r}，此处支持 {VERSION}",
        )
    known = {LAYERS, *(member_of(holding) for holding in in_order())}
    for member in manifest["members"]:
        name = str(member["name"])
        if name not in known and DOCUMENT.fullmatch(name) is None:
            raise _refused(f"{name!r} is no member of a package", f"{name!r} 不是规划包的成员")
        if DOCUMENT.fullmatch(name) and name.rpartition("/")[2] != member.get("sha256"):
            raise _refused(f"{name!r} holds another file", f"{name!r} 与其文件不符")
    return plan


def read_rows(folder: Path) -> Iterator[tuple[Holding, int, str]]:
    """Table, number and text of each row of an unpacked package.

    Raises:
        InvalidInput: a member is no list of rows, one a line.
    """
    for name in by_table():
        holding = by_table()[name]
        path = folder / member_of(holding)
        if path.exists():
            for number, line in enumerate(_lines(path, name), start=1):
                yield holding, number, line


def _lines(path: Path, table: str) -> Iterator[str]:
    try:
        with path.open(encoding="utf-8", newline="\n") as file:
            if file.readline(3) != "[\n":
                raise _refused(f"{table}: is no list of rows", f"{table}：不是数据行列表")
            while (line := file.readline(LONGEST_LINE)) not in {"]\n", ""}:
                if not line.endswith("\n"):
                    raise _refused(f"{table}: a row is too long", f"{table}：数据行过长")
                yield line.removesuffix("\n").removesuffix(",")
            if line == "" or file.read(1):
                raise _refused(f"{table}: does not end as a list", f"{table}：列表未正确结束")
    except UnicodeDecodeError:
        raise _refused(f"{table}: is not UTF-8", f"{table}：不是 UTF-8 编码") from None


def _refused(en: str, zh: str) -> InvalidInput:
    return InvalidInput(en, message_zh=zh, pointer=UPLOAD)
