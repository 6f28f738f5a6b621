"""Findings as documents and as a table for other programs."""

import csv
import io
from collections.abc import Sequence
from typing import Any

import orjson

from shanhai.db.tables.control import DataFinding
from shanhai.timestamps import rfc3339
from shanhai.vector.formats import neutralised
from shanhai.vocabulary import SEVERITIES, Lang

LABELS = {term.code: term.label for term in SEVERITIES}
COLUMNS = ("code", "kind", "severity", "text_zh", "text_en", "figures", "found_at")


def describe_finding(row: DataFinding, lang: Lang) -> dict[str, Any]:
    """A finding as it is shown."""
    return {
        "code": row.code,
        "kind": row.kind,
        "severity": row.severity,
        "severity_name": LABELS[row.severity].in_(lang),
        "text": row.text_zh if lang == "zh" else row.text_en,
        "text_zh": row.text_zh,
        "text_en": row.text_en,
        "figures": row.figures,
        "found_at": rfc3339(row.found_at),
    }


def count_severities(rows: Sequence[DataFinding]) -> dict[str, int]:
    """How many findings there are of each severity, the worst first."""
    return {
        term.code: sum(row.severity == term.code for row in rows) for term in reversed(SEVERITIES)
    }


def as_csv(rows: Sequence[DataFinding]) -> bytes:
    """The findings in lines, after a mark by which spreadsheets know UTF-8."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for row in rows:
        described = describe_finding(row, "zh")
        described["figures"] = orjson.dumps(row.figures).decode()
        writer.writerow([neutralised(described[name]) for name in COLUMNS])
    return "\ufeff".encode() + text.getvalue().encode()
