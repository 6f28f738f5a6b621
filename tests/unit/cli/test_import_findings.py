"""What the terminal tells of a file of which nothing was written."""

from pathlib import Path
from typing import Any

import pytest

from shanhai.cli.imports import MOST_SHOWN, import_file, told_findings
from shanhai.client import ApiClient
from shanhai.errors import InvalidInput


def finding(**members: Any) -> dict[str, Any]:
    usual = {"row": 1, "code": "court-2", "member": "lead", "rule": "reference"}
    return {**usual, "detail": "there is no 'nobody'", **members}


def test_a_line_tells_row_code_field_reason_and_rule() -> None:
    assert told_findings([finding()]).splitlines() == [
        "nothing was written; 1 finding",
        "  row 1 (court-2) lead: there is no 'nobody' [reference]",
    ]


def test_what_a_finding_lacks_leaves_no_gap() -> None:
    whole = finding(row=0, code=None, member=None, rule="unreadable", detail="no table")
    assert told_findings([whole]).splitlines()[1] == "  the file: no table [unreadable]"


def test_of_many_the_first_are_told() -> None:
    lines = told_findings([finding(row=row) for row in range(1, MOST_SHOWN + 4)]).splitlines()
    assert lines[0] == f"nothing was written; {MOST_SHOWN + 3} findings"
    assert len(lines) == 1 + MOST_SHOWN + 1
    assert lines[-1] == "  … and 3 more"


def test_a_file_of_features_without_its_collection_is_told_what_to_say(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"towns\.csv.*--collection") as caught:
        import_file(ApiClient("http://127.0.0.1:9", None), tmp_path / "towns.csv", {})
    assert "--collection" in caught.value.message_zh
