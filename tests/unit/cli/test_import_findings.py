"""What the terminal tells of a file of which nothing was written."""

from typing import Any

from shanhai.cli.imports import MOST_SHOWN, told_findings


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
