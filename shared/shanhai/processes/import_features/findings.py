"""What is found in the rows of a file, its reports, and the rows that passed."""

import csv
import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Literal, Self

import orjson

from shanhai.db.features.entity import Entity, Property
from shanhai.processes.kit.task import OutputFile
from shanhai.vector.formats import neutralised
from shanhai.vector.geoparquet import ParquetRows, read_blocks
from shanhai.vector.tables import FeatureColumn
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
    "cut",
    "visibility",
    "constraint",
]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a row, or, with row 0, about all of them.

    Attributes:
        row: Counted from 1, without the header of a table; of a workbook as its sheet shows it.
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
    """Collects findings in a file and remembers which rows are rejected; to be used with `with`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("w", encoding="utf-8")
        self.rejected: set[int] = set()
        self.rules: Counter[str] = Counter()
        self.general_errors = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

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
        return read_findings(self._path)


def read_findings(path: Path) -> Iterator[dict[str, Any]]:
    """The findings of a file, in the order they were made."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


FINDINGS = "findings.ndjson"
"""The file that findings are collected in."""
REPORT, TABLE, PAGE = "report.json", "report.csv", "report.html"
ON_THE_PAGE = 1_000
HEADERS = ("row", "code", "severity", "rule", "member", "detail", "detail_zh", "lon", "lat")
TEXTS = frozenset({"code", "member", "detail", "detail_zh"})
STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem;color:#1c2b24}"
    "table{border-collapse:collapse}td,th{border:1px solid #cbd5cf;padding:.25rem .6rem;"
    "text-align:left;vertical-align:top}th{background:#eef4f0}.error{color:#a32020}"
)


Reading = Callable[[], Iterator[dict[str, Any]]]
"""Reads findings from the first on."""


def write_reports(folder: Path, summary: Mapping[str, Any], read: Reading) -> list[OutputFile]:
    """Write the three reports and name them as results."""
    _write_json(folder / REPORT, summary, read())
    _write_csv(folder / TABLE, read())
    _write_html(folder / PAGE, summary, read())
    return [
        OutputFile.of("report", REPORT, "application/json", Label("逐行报告", "Report by row")),
        OutputFile.of("table", TABLE, "text/csv", Label("逐行报告（表格）", "Report as a table")),
        OutputFile.of("page", PAGE, "text/html", Label("逐行报告（网页）", "Report as a page")),
    ]


def _write_json(path: Path, summary: Mapping[str, Any], findings: Iterable[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write('{"summary":' + json.dumps(summary, ensure_ascii=False) + ',"findings":[')
        for number, finding in enumerate(findings):
            file.write((",\n" if number else "\n") + json.dumps(finding, ensure_ascii=False))
        file.write("\n]}\n")


def _write_csv(path: Path, findings: Iterable[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(HEADERS)
        for finding in findings:
            rows.writerow([_cell(name, finding[name]) for name in HEADERS])


def _cell(name: str, value: Any) -> Any:
    return neutralised(value) if name in TEXTS and isinstance(value, str) else value


def _write_html(path: Path, summary: Mapping[str, Any], findings: Iterable[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(
            '<!doctype html><html lang="zh"><meta charset="utf-8">'
            f"<title>导入报告 Import report</title><style>{STYLE}</style>"
            "<h1>导入报告 <small>Import report</small></h1><table>"
        )
        for name, value in summary.items():
            shown = (
                json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value
            )
            file.write(f"<tr><th>{escape(name)}<td>{escape(str(shown))}")
        file.write("</table><h2>逐行结果 <small>By row</small></h2><table><tr>")
        file.write("".join(f"<th>{name}" for name in HEADERS))
        for number, finding in enumerate(findings):
            if number == ON_THE_PAGE:
                file.write(
                    f'<tr><td colspan="{len(HEADERS)}">其余见 {TABLE} · the others are in {TABLE}'
                )
                break
            shown = ("" if finding[name] is None else finding[name] for name in HEADERS)
            cells = "".join(f"<td>{escape(str(value))}" for value in shown)
            file.write(f'<tr class="{finding["severity"]}">{cells}')
        file.write("</table></html>\n")


ACCEPTED = "accepted.parquet"
"""Name of the file."""

ROW, CODE, MENDED, CUT = "row", "code", "mended", "cut"


def written_properties(entity: Entity, names: Collection[str]) -> tuple[Property, ...]:
    """The properties a file writes, in the order of the declaration."""
    return tuple(item for item in entity.receivables if item.name in names)


class AcceptedRows:
    """Writes rows that passed: geometry, number, code; as JSON texts what befell it, each value."""

    def __init__(self, path: Path, properties: Sequence[Property]) -> None:
        self._file = ParquetRows(path, _columns(properties))

    def add(self, rows: Sequence[Sequence[Any]]) -> None:
        """Keep rows of geometry, number, code, what a repair did, what was cut, and values."""
        self._file.write([[*row[:3], *map(_text, row[3:])] for row in rows])

    def close(self) -> None:
        """No more rows come."""
        self._file.close()


def read_accepted(
    path: Path, properties: Sequence[Property], rejected: Collection[int]
) -> Iterator[list[tuple[Any, ...]]]:
    """Blocks of (row, code, geometry, mended, cut, *texts) without the rows rejected since."""
    for block in read_blocks(path, _columns(properties)):
        yield [(row[1], row[2], row[0], *row[3:]) for row in block if row[1] not in rejected]


def _columns(properties: Sequence[Property]) -> tuple[FeatureColumn, ...]:
    members = (FeatureColumn(f"p_{item.name}", "text") for item in properties)
    own = (FeatureColumn(name, "text") for name in (CODE, MENDED, CUT))
    return (FeatureColumn(ROW, "integer"), *own, *members)


def _text(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()
