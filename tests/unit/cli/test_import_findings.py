"""What the terminal tells of a file of which nothing was written."""

from pathlib import Path
from typing import Any

import pytest

from shanhai.cli import main
from shanhai.cli.imports import MOST_SHOWN, _import_features, import_file, told_findings
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


def test_features_that_end_in_json_are_no_description_of_themselves(tmp_path: Path) -> None:
    path = tmp_path / "towns.json"
    path.write_text('{"type": "FeatureCollection", "features": []}')
    with pytest.raises(InvalidInput, match=r"towns\.json.*--collection"):
        import_file(ApiClient("http://127.0.0.1:9", None), path, {})


@pytest.mark.parametrize("content", ['{"type": "Feature"}', "[]", "{"])
def test_json_beside_a_file_that_does_not_describe_it_is_named(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    content: str,
) -> None:
    (tmp_path / "dem.tif").write_bytes(b"")
    (tmp_path / "dem.json").write_text(content)
    said = ["--region", "xiamen", "--theme", "dem", "--key", "k"]
    monkeypatch.setattr("sys.argv", ["shanhai", "import", str(tmp_path / "dem.tif"), *said])
    with pytest.raises(SystemExit) as caught:
        main()
    told = capsys.readouterr().err
    assert caught.value.code == 1
    assert "'dem.json' is no description: " in told
    assert "“dem.json”不是数据说明：" in told
    assert "Settings come" not in told


def test_a_description_of_features_that_is_none_keeps_no_other_back(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.features.json").write_text("{}")
    told = list(_import_features(ApiClient("http://127.0.0.1:9", None), tmp_path, {}))
    assert [(name, outcome.what) for name, outcome in told] == [
        ("a.features.json", "refused"),
        ("b.features.json", "refused"),
    ]
    assert "'a.features.json' is no description: file" in told[0][1].note
