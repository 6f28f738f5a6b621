"""The language of templates: what it writes, and what nobody gets out of it."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shanhai.processes.publish_bulletin.document.language import (
    MOST_ROUNDS,
    OUTPUT_LIMIT,
    Refusal,
    Refused,
    check_text,
    write_text,
)
from shanhai.vocabulary import Label

CONTENT: dict[str, Any] = {
    "region": {"name": "厦门"},
    "rows": [{"name": "a", "count": 3}, {"name": "b", "count": None}],
    "many": [{"n": n} for n in range(200)],
    "day": "2026-03-31",
    "share": 12.345,
    "none": None,
    "true": True,
}


@pytest.mark.parametrize(
    ("source", "written"),
    [
        ("{{ region.name }}，{{ region['name'] }}", "厦门，厦门"),
        ("{{ day | day }}", "2026年3月31日"),
        (
            "{{ share | percent }} {{ share | number(2) }} {{ 1234567 | number }}",
            "12.3% 12.35 1,234,567",
        ),
        (
            "{{ none }} {{ none | number }} {{ none | percent }} {{ none | default('无') }}",
            "– – – 无",
        ),
        (
            "{% for one in rows %}{{ loop.index }}{{ one.name }}"
            "{{ '、' if not loop.last }}{% endfor %}",
            "1a、2b",
        ),
        ("{{ rows | join('/', 'name') }} {{ rows | length }} {{ rows[1].name }}", "a/b 2 b"),
        (
            "{{ 1234567.5 }} {{ 1e6 }} {{ 0.00001234 }} {{ share }}",
            "1234568 1000000 0.00001234 12.345",
        ),
        ("{% if none is none and share > 12 %}好{% else %}坏{% endif %}", "好"),
        ("{% for one in many | first(2) if one.n == 1 %}{{ one.n }}{% endfor %}", "1"),
        ("{# nobody sees this #}<b>{{ 'x' ~ 1 }}</b>", "<b>x1</b>"),
    ],
)
def test_it_writes_what_a_bulletin_tells(source: str, written: str) -> None:
    assert write_text(source, CONTENT, "zh") == written


def test_days_are_written_in_the_language() -> None:
    assert write_text("{{ day | day }}", CONTENT, "en") == "31 March 2026"


ATTACKS = (
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ region.__class__ }}",
    "{{ region['__class__'] }}",
    "{{ rows.append }}",
    "{{ 'a'.format }}",
    "{{ region.items() }}",
    "{{ rows | attr('append') }}",
    "{{ rows | map(attribute='__class__') | join }}",
    "{{ self }}",
    "{{ self.__init__.__globals__ }}",
    "{{ range(10) }}",
    "{{ lipsum.__globals__ }}",
    "{{ cycler }}",
    "{{ joiner }}",
    "{{ namespace }}",
    "{{ __import__ }}",
    "{{ config }}",
    "{% include '/etc/passwd' %}",
    "{% import 'x' as y %}",
    "{% from 'x' import y %}",
    "{% extends 'x' %}",
    "{% block x %}{% endblock %}",
    "{% macro x() %}{% endmacro %}",
    "{% call x() %}{% endcall %}",
    "{% filter upper %}x{% endfilter %}",
    "{% set x = 1 %}",
    "{% with x = 1 %}{% endwith %}",
    "{% autoescape false %}{% endautoescape %}",
    "{{ 'a' * 1000000000 }}",
    "{{ 9 ** 9 ** 9 }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ 1 / 0 }}",
    "{{ 1 // 0 }}",
    "{{ 'a' + 'b' }}",
    "{{ rows[0:1000000000] }}",
    "{{ {'a': 1} }}",
    "{{ rows }}",
    "{{ region }}",
    "{{ true }}",
    "{{ share | number(1000000) }}",
    "{{ rows | first(-1) }}",
    "{{ rows | join(rows) }}",
    "{% for one in region %}{% endfor %}",
    "{% for letter in 'abc' %}{% endfor %}",
    "{% for one in rows recursive %}{{ loop(one) }}{% endfor %}",
    "{% for one in rows %}{{ loop.cycle }}{% endfor %}",
    "{% for one in rows %}{{ loop._iterable }}{% endfor %}",
    "{% for a in rows %}{% for b in rows %}{% for c in rows %}{% endfor %}{% endfor %}{% endfor %}",
    "{% for a in many %}{% for b in many %}{{ b.n }}{% endfor %}{% endfor %}",
    "{{ many | join(many | join('x' ~ 'y', 'n'), 'n') | length }}" * 3 + "{{ nope }}",
    "{{ " + "(" * 500 + "1" + ")" * 500 + " }}",
    "{{ " + "not " * 500 + "none }}",
    "{{ 1 }}" * 700,
    "{{ region.name",
    "{% if %}",
    "{% endfor %}",
    "{{ nope }}",
    "{{ region.nope }}",
    "{{ none.name }}",
    "{{ region | day }}",
    "{{ 'soon' | day }}",
    "{{ region > 1 }}",
    "{{ -region }}",
)


@pytest.mark.parametrize("source", ATTACKS)
def test_what_is_not_listed_is_refused(source: str) -> None:
    with pytest.raises(Refused):
        write_text(source, CONTENT, "zh")


def test_a_refusal_tells_the_line_and_the_reason_in_both_languages() -> None:
    for absent in ("region.nope", "nope", "nope.name"):
        refusal = check_text(f"一\n二\n{{{{ {absent} }}}}", [CONTENT], "zh")
        assert refusal == Refusal(3, Label("没有 'nope'", "there is no 'nope'"))
    refusal = check_text("\n{% set x = 1 %}", [CONTENT], "zh")
    assert refusal is not None
    assert refusal.line == 2
    assert refusal.reason.zh == "模板中不允许使用 Assign"
    assert check_text("{{ region.name }}", [CONTENT, {"region": {"name": ""}}], "en") is None


def test_what_it_writes_and_how_often_is_bounded() -> None:
    text = "x" * 200
    loop = "{% for one in many %}" + text + "{% endfor %}"
    with pytest.raises(Refused, match=str(OUTPUT_LIMIT)):
        write_text(loop, CONTENT, "zh")
    with pytest.raises(Refused, match=str(OUTPUT_LIMIT)):
        write_text("{{ many | join('" + text + "', 'n') }}", CONTENT, "zh")
    rounds = "{% for one in many %}{% endfor %}" * (MOST_ROUNDS // 200)
    assert write_text(rounds, CONTENT, "zh") == ""
    with pytest.raises(Refused, match="rounds"):
        write_text(rounds + "{% for one in rows %}{% endfor %}", CONTENT, "zh")


PIECES = (
    *("{{", "}}", "{%", "%}", "{#", "#}", "for", "in", "if", "else", "endif", "endfor", "loop"),
    *("one", "rows", "region", ".name", "[0]", "|", "join", "number", "day", "(", ")", "'x'", "1"),
    *(" ", "\n", "~", "-", "is none", "not", "==", "__class__", "self", "é", "公报"),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=30).map(" ".join))
def test_any_text_is_written_or_refused(source: str) -> None:
    refusal = check_text(source, [CONTENT], "zh")
    if refusal is None:
        assert len(write_text(source, CONTENT, "zh")) <= OUTPUT_LIMIT
    else:
        assert refusal.line >= 1
