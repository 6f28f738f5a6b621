"""How reports write numbers and parameters."""

import pytest

from shanhai.reporting.pages import environment, figure, number, told


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (True, "是 yes"),
        (False, "否 no"),
        (0.1 + 0.2, "0.3"),
        (1234567.0, "1.23457e+06"),
        (42, "42"),
        ({"forest": 0.003, "bare": 1.0}, "forest 0.003, bare 1"),
        ([], "–"),
        (["a", 2.5], "a, 2.5"),
    ],
)
def test_parameters_are_told_for_a_reader(value: object, shown: str) -> None:
    assert told(value) == shown


def test_numbers() -> None:
    assert number(None) == figure(None) == "–"
    assert number(1234.567, 1) == "1,234.6"
    assert figure(1234.567) == "1,235"
    assert figure([0.12346, 2.0]) == "0.1235 / 2"


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("Asia/Shanghai", "2026-01-02 02:30+08:00"),
        ("UTC", "2026-01-01 18:30+00:00"),
        ("America/St_Johns", "2026-01-01 15:00-03:30"),
    ],
)
def test_times_are_those_of_the_bureau(zone: str, shown: str) -> None:
    manifest = {"created_utc": "2026-01-01T18:30:00+00:00", "timezone": zone}
    template = environment().from_string("{{ manifest | computed }}")
    assert template.render(manifest=manifest) == shown


def test_texts_are_escaped_and_gaps_are_errors() -> None:
    template = environment().from_string("{{ name }}")
    assert template.render(name="<b>&") == "&lt;b&gt;&amp;"
    with pytest.raises(Exception, match="undefined"):
        template.render()
