"""The report of an import: for programs, for spreadsheets and for people."""

import csv
import json
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from shanhai.processes.import_features.findings import Findings
from shanhai.processes.kit.task import OutputFile
from shanhai.vector.formats import neutralised

REPORT, TABLE, PAGE = "report.json", "report.csv", "report.html"
ON_THE_PAGE = 1_000
HEADERS = ("row", "code", "severity", "rule", "member", "detail", "detail_zh", "lon", "lat")
TEXTS = frozenset({"code", "member", "detail", "detail_zh"})
STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem;color:#1c2b24}"
    "table{border-collapse:collapse}td,th{border:1px solid #cbd5cf;padding:.25rem .6rem;"
    "text-align:left;vertical-align:top}th{background:#eef4f0}.error{color:#a32020}"
)


def write_reports(folder: Path, summary: Mapping[str, Any], findings: Findings) -> list[OutputFile]:
    """Write the three reports and name them as results."""
    _write_json(folder / REPORT, summary, findings)
    _write_csv(folder / TABLE, findings)
    _write_html(folder / PAGE, summary, findings)
    return [
        _output("report", REPORT, "application/json", "逐行报告", "Report by row"),
        _output("table", TABLE, "text/csv", "逐行报告（表格）", "Report as a table"),
        _output("page", PAGE, "text/html", "逐行报告（网页）", "Report as a page"),
    ]


def _output(name: str, path: str, media_type: str, title_zh: str, title_en: str) -> OutputFile:
    return OutputFile(
        name=name,
        path=path,
        kind="document",
        media_type=media_type,
        title_zh=title_zh,
        title_en=title_en,
    )


def _write_json(path: Path, summary: Mapping[str, Any], findings: Findings) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write('{"summary":' + json.dumps(summary, ensure_ascii=False) + ',"findings":[')
        for number, finding in enumerate(findings.read()):
            file.write((",\n" if number else "\n") + json.dumps(finding, ensure_ascii=False))
        file.write("\n]}\n")


def _write_csv(path: Path, findings: Findings) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(HEADERS)
        for finding in findings.read():
            rows.writerow([_cell(name, finding[name]) for name in HEADERS])


def _cell(name: str, value: Any) -> Any:
    return neutralised(value) if name in TEXTS and isinstance(value, str) else value


def _write_html(path: Path, summary: Mapping[str, Any], findings: Findings) -> None:
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
        for number, finding in enumerate(findings.read()):
            if number == ON_THE_PAGE:
                file.write(
                    f'<tr><td colspan="{len(HEADERS)}">其余见 {TABLE} · the others are in {TABLE}'
                )
                break
            cells = "".join(f"<td>{escape(str(_shown(finding[name])))}" for name in HEADERS)
            file.write(f'<tr class="{finding["severity"]}">{cells}')
        file.write("</table></html>\n")


def _shown(value: Any) -> Any:
    return "" if value is None else value
