"""The indicators of plans as pages: a table each, with headings in the reader's language."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from shanhai.reporting import plan_evaluation
from shanhai.vocabulary import Label, Lang
from shanhai_api.kit.answers import Document
from shanhai_api.kit.view import HTML, JSON, Format, View

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Heading:
    """A column that shows a member of its rows; codes of a closed list in `words`."""

    name: str
    label: Label
    kind: Literal["text", "number"] = "text"
    words: Mapping[str, Label] = field(default_factory=dict)

    def cell(self, row: Mapping[str, Any], lang: Lang) -> Any:
        """What the column shows of a row."""
        value = row[self.name]
        return self.words[value].in_(lang) if value in self.words else value


ROLES = {
    "base": Label("基期值", "Base"),
    "target": Label("目标值", "Target"),
    "reference": Label("参考值", "Reference"),
}
SENSES = {
    "at_least": Label("不低于", "at least"),
    "at_most": Label("不高于", "at most"),
    "track": Label("等于", "equal to"),
}
SIGNS_PRINTED = {
    **{code: Label(sign, sign) for code, sign in plan_evaluation.SIGNS.items()},
    "none": Label("无", "none"),
}
VERDICTS = {
    "conforms": Label("一致", "conforms"),
    "falls_short": Label("低于要求", "falls short"),
    "missing": Label("缺少", "missing"),
}
YEAR = Heading("year", Label("年份", "Year"))
SOURCE = Heading("source", Label("来源", "Source"))
VALUES = (
    YEAR,
    Heading("value", Label("数值", "Value"), "number"),
    Heading("unit", Label("单位", "Unit")),
    Heading("counts", Label("有效", "Counts")),
    Heading("cumulative", Label("累计值", "Cumulative")),
    SOURCE,
    Heading("method", Label("方法", "Method")),
    Heading("quality", Label("质量", "Quality")),
    Heading("department", Label("填报部门", "Department")),
    Heading("note", Label("备注", "Note")),
    Heading("recorded_at", Label("填报时间", "Recorded")),
)
TARGETS = (
    Heading("role", Label("类型", "Role"), words=ROLES),
    YEAR,
    Heading("value", Label("数值", "Value"), "number"),
    Heading("comparator", Label("原文比较符", "As printed"), words=SIGNS_PRINTED),
    Heading("sense", Label("含义", "Reads as"), words=SENSES),
    Heading("cumulative_from", Label("累计起始年", "Counted from")),
    Heading("revisable", Label("可修订", "Revisable")),
    SOURCE,
)
STORED = (
    Heading("id", Label("编号", "Id")),
    YEAR,
    Heading("region", Label("区域", "Region")),
    Heading("created", Label("存档时间", "Stored")),
    Heading("created_by", Label("存档人", "Stored by")),
    Heading("sha256", Label("SHA-256", "SHA-256")),
)


CONFORMANCE = (
    Heading("name", Label("指标", "Indicator")),
    Heading("region", Label("区域", "Region")),
    YEAR,
    Heading("unit", Label("单位", "Unit")),
    Heading("upper_value", Label("上位规划", "Upper plan"), "number"),
    Heading("own_value", Label("本规划", "This plan"), "number"),
    Heading("verdict", Label("结论", "Verdict"), words=VERDICTS),
)


def compared_rows(compared: Rows, lang: Lang) -> list[dict[str, Any]]:
    """Compared targets, as the page shows them."""
    return [
        {
            **item,
            "name": item[f"name_{lang}"],
            "upper_value": item["upper"]["value"],
            "own_value": None if item["own"] is None else item["own"]["value"],
        }
        for item in compared
    ]


def plain_page(
    view: View,
    headings: Sequence[Heading],
    document: Document,
    member: str,
    shown: Callable[[Rows, Lang], Rows] = lambda rows, lang: rows,
    lines: Sequence[str] = (),
) -> dict[str, Any]:
    """What the page of a list is given, where a page is asked for; the list is a member."""
    if not view.wants_html(JSON, HTML):
        return {}
    rows = shown(document.as_json()[member], view.lang)
    table = [(row, [heading.cell(row, view.lang) for heading in headings]) for row in rows]
    return {
        "columns": headings,
        "lines": lines,
        "table": table,
        "offered": offered(view, JSON),
        "folded": None,
        "stamp": None,
    }


def judged_page(
    view: View,
    content: Mapping[str, Any],
    *formats: Format,
    stamp: plan_evaluation.Stamp | None = None,
) -> dict[str, Any]:
    """What the page of judged indicators is given, where a page is asked for."""
    if not view.wants_html(*formats):
        return {}
    return {
        "columns": plan_evaluation.COLUMNS,
        "lines": plan_evaluation.summary_lines(content, view.lang),
        "table": list(
            zip(content["rows"], plan_evaluation.table_of(content, view.lang), strict=True)
        ),
        "offered": offered(view, *formats),
        "folded": _folded(content["rows"], view.lang),
        "stamp": None if stamp is None else plan_evaluation.stamp_line(stamp, view.lang),
    }


def _folded(rows: Rows, lang: Lang) -> str | None:
    """The line a table without any value is folded to."""
    if not rows or any(row["value"] is not None for row in rows):
        return None
    number = len(rows)
    return Label(f"{number} 项指标，均尚无数值", f"{number} indicators, none with a value").in_(
        lang
    )


def offered(view: View, *formats: Format) -> list[dict[str, str]]:
    """Links to the same in other formats."""
    return [
        {"name": item.name.upper(), "href": view.here(f=item.name)}
        for item in formats
        if item is not HTML
    ]
