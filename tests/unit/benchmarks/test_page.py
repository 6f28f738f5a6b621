"""The page of figures, made from the data."""

from datetime import UTC, datetime
from typing import Any

import pytest

from benchmarks import published
from benchmarks.machine import Moment
from benchmarks.page import BEGIN, END, filled
from benchmarks.report import Row, Setup, Table
from benchmarks.timing import Sample

QUIET = Moment(load=0.2, at_s=0.0, busy_s=0.0, own_s=0.0)
MARKED = "# By hand\n\n{}By hand too.\n".format(
    "".join(f"{BEGIN.format(part)}old\n{END.format(part)}\n\n" for part in ("figures", "growth"))
)


def _document(what: str = "a page", *, busy_s: float = 0.0) -> dict[str, Any]:
    seconds = Sample((0.002, 0.002, 0.004), QUIET)
    ended = Moment(load=1.25, at_s=100.0, busy_s=busy_s, own_s=0.0)
    setup = Setup("pages of 100", "plans of statements", (16, 16), (1, 2))
    row = Row(what, seconds, Sample((0.001,) * 3), 0.6, {"requests/s": 500.0}, ended=ended)
    table = Table("items", "features in a box", "bare SQL", [row], setup)
    return published.with_origin("items", table.document(), datetime(2026, 11, 26, 8, tzinfo=UTC))


def _page(document: dict[str, Any], former: list[dict[str, str]]) -> str:
    return filled(MARKED, {"benchmarks": {"items": document}, "former": {"items": former}})


def test_a_row_tells_how_it_was_measured() -> None:
    text = _page(_document(), [])
    assert text.startswith("# By hand\n")
    assert text.endswith("By hand too.\n")
    assert "\nold\n" not in text
    assert "`python -m benchmarks items`, 2026-11-26 08:00 UTC, commit " in text
    assert "Pages of 100.\nPlans of statements.\n" in text
    told = (
        *("a page (requests/s 500)", "2 ms ±50%", "1 ms ±0%", "0.50 (0.25–0.50)", ""),
        *("≥ 0.6, **missed**", "16 : 16", "1 : 2", "0.2–1.2"),
    )
    assert f"| {' | '.join(told)} |" in text


def test_other_work_beside_a_row_is_told() -> None:
    assert "not idle: 100 % others" in _page(_document(busy_s=1e6), [])


def test_former_figures_stand_beside_the_row_or_alone() -> None:
    one = {"what": "as it was called", "beside": "SQL", "ratio": "0.55", "target": "0.4"}
    text = _page(_document(), [one | {"row": "a page"}])
    assert "| 0.50 (0.25–0.50) | 0.55 |" in text
    assert "as it was called" not in text
    text = _page(_document(), [one | {"row": "a row no longer there"}])
    assert "| as it was called | SQL | 0.55 | 0.4 |" in text


def test_a_run_of_some_benchmarks_replaces_only_theirs(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(published, "DATA", tmp_path / "benchmarks.json")
    kept = {"what": "kept", "beside": "", "ratio": "1", "target": ""}
    published.write({"benchmarks": {}, "former": {"items": [kept]}})
    published.replace(_document() | {"name": "cql2"})
    published.replace(_document("a page"))
    published.replace(_document("another page"))
    data = published.read()
    assert data["former"] == {"items": [kept]}
    assert [row["what"] for row in data["benchmarks"]["items"]["rows"]] == ["another page"]
    assert [row["what"] for row in data["benchmarks"]["cql2"]["rows"]] == ["a page"]
    assert "ours_seconds" not in data["benchmarks"]["items"]["rows"][0]


def test_growth_tells_the_exponents_and_shows_the_picture() -> None:
    law = {"factor": 1.0, "exponent": 1.02, "low": 0.9, "high": 1.14, "last": 1.3}
    kind = {
        "what": "trivial jobs",
        "unit": "jobs",
        "command": "python -m benchmarks growth jobs",
        "at": "2026-11-26 08:00 UTC",
        "commit": "abc",
        "load": [0.1, 2.0],
        "seconds": [[3, 0.1], [3_000, 60.0], [3_000, 62.0]],
        "mib": [],
        "time_grows": law,
        "memory_grows": None,
    }
    text = filled(MARKED, {"benchmarks": {}, "former": {}, "growth": {"jobs": kind}})
    told = "| 3 to 3,000 jobs | 1.02 (0.90–1.14), at the end 1.30 | 61 s | too little to tell |"
    assert told in text
    assert "![trivial jobs](pictures/growth-jobs.svg)" in text
