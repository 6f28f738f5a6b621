"""How reports write numbers and parameters."""

import pytest
from weasyprint import HTML

from shanhai.raster.warp import METHODS
from shanhai.reporting.pages import environment, figure, number, told


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (True, "是 yes"),
        (False, "否 no"),
        (0.1 + 0.2, "0.3"),
        (1234567.0, "1,234,567"),
        (42, "42"),
        ({"forest": 0.003, "bare": 1.0}, "林地 Forest 0.003, 裸地 Bare or sparse 1"),
        ("fishnet", "格网 Fishnet"),
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


def test_large_figures_are_written_out() -> None:
    assert [figure(one) for one in (34919.0, -34919.4, 9999.7)] == ["34,919", "-34,919", "10,000"]
    assert (figure(123456.7, 6), told(1e8)) == ("123,457", "100,000,000")
    assert figure(9999.4) == "9,999"


def test_small_figures_are_written_without_powers_of_ten() -> None:
    assert [figure(one, 2) for one in (8.3e-5, -1.26e-7, 0.0)] == ["0.000083", "-0.00000013", "0"]


@pytest.mark.parametrize("way", sorted({one for pair in METHODS.values() for one in pair}))
def test_ways_of_resampling_have_words(way: str) -> None:
    template = environment().from_string(
        '{% from "words.html.j2" import resampled %}{{ resampled(way) }}'
    )
    zh, en = template.render(way=way).split(' <span class="en" lang="en">')
    assert zh.isalpha()
    assert not zh.isascii()
    assert en.removesuffix("</span>").replace(" ", "").isalpha()


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


@pytest.mark.parametrize("kind", ["band", "verdict"])
def test_what_is_set_off_stays_on_one_page(kind: str) -> None:
    style = environment().get_template("style.css.j2").render()
    above, within = "行<br>" * 46, "甲<br>" * 6
    page = f'<style>{style}</style><p>{above}</p><div class="{kind}">{within}</div>'
    pages = HTML(string=page).render().pages
    holding = [
        sum(box.element_tag == "div" for box in one._page_box.descendants()) for one in pages
    ]
    assert len(holding) == 2
    assert [number > 0 for number in holding] == [False, True]


def test_printing_a_report_warns_of_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """The log of each job named a property that is for screens."""
    style = environment().get_template("style.css.j2").render()
    HTML(string=f"<style>{style}</style><div class='wide'>甲</div>").render()
    assert not [one for one in caplog.records if one.levelname == "WARNING"]
