"""Which leads open a case, as the environment says it."""

import pytest
from pydantic import ValidationError

from shanhai.settings import CaseSettings


def test_each_kind_has_its_least_area(monkeypatch: pytest.MonkeyPatch) -> None:
    assert CaseSettings().least == {"red_line": 400.0}
    monkeypatch.setenv("SHANHAI_CASES_LEAST_M2", "red_line=0, protected_area=1000.5")
    assert CaseSettings().least == {"red_line": 0.0, "protected_area": 1000.5}


@pytest.mark.parametrize("given", ["red_line", "red_line=-1", "red_line=nan", "moon=1", "=1"])
def test_what_names_no_kind_and_area_is_refused(
    monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.setenv("SHANHAI_CASES_LEAST_M2", given)
    with pytest.raises(ValidationError, match="SHANHAI_CASES_LEAST_M2"):
        CaseSettings()
