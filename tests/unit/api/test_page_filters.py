"""What templates do to values before people read them."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from shanhai_api.kit.pages import ENVIRONMENT


def shown(template: str, **given: Any) -> str:
    return ENVIRONMENT.from_string(template).render(zone=ZoneInfo("Asia/Shanghai"), **given)


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("{{ at | local }}", "2026-03-02 08:00 +08:00"),
        ("{{ at | local(seconds=True) }}", "2026-03-02 08:00:07 +08:00"),
    ],
)
def test_moments_of_documents_are_shown_in_the_zone_of_the_platform(
    template: str, told: str
) -> None:
    assert shown(template, at="2026-03-02T00:00:07.250Z") == told


@pytest.mark.parametrize(
    ("code", "lang", "told"),
    [
        *(("10^4 m3", "en", "10⁴ m³"), ("10^4 m3", "zh", "万立方米"), ("ug/m3", "en", "µg/m³")),
        *(("1", "en", "–"), ("km2", "zh", "平方公里")),
    ],
)
def test_units_are_written_as_people_do(code: str, lang: str, told: str) -> None:
    assert shown("{{ code | unit(lang) }}", code=code, lang=lang) == told


def test_moments_keep_their_zone() -> None:
    assert shown("{{ at | moment }}", at=datetime(2026, 3, 2, tzinfo=UTC)) == "2026-03-02T00:00:00Z"
    there = datetime(2026, 3, 2, tzinfo=ZoneInfo("Asia/Shanghai"))
    assert shown("{{ at | moment }}", at=there) == "2026-03-02T00:00:00+08:00"
