"""`Prefer` as RFC 7240 has it."""

import pytest
from fastapi import Request
from hypothesis import given
from hypothesis import strategies as st

from shanhai_api.kit.routing import preferences


def asked(*headers: str) -> Request:
    raw = [(b"prefer", header.encode("latin-1")) for header in headers]
    return Request({"type": "http", "headers": raw})


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ((), {}),
        (("respond-async",), {"respond-async": ""}),
        (("Respond-Async, WAIT=10",), {"respond-async": "", "wait": "10"}),
        (("respond-async", "wait=10"), {"respond-async": "", "wait": "10"}),
        (("wait=1, wait=2", "wait=3"), {"wait": "1"}),
        (('wait = "10"; note="a, b;c"',), {"wait": "10"}),
        (('note="respond-async, wait=1", x',), {"note": "respond-async, wait=1", "x": ""}),
        (('open="respond-async, wait=1',), {"open": ""}),
        ((" , ;, =5",), {}),
    ],
)
def test_preferences(headers: tuple[str, ...], expected: dict[str, str]) -> None:
    assert preferences(asked(*headers)) == expected


@given(st.lists(st.text(st.characters(max_codepoint=255), max_size=60), max_size=3))
def test_whatever_is_sent_is_read(headers: list[str]) -> None:
    for name, value in preferences(asked(*headers)).items():
        assert name == name.lower()
        assert name
        assert not value.startswith('"')


@given(
    st.dictionaries(
        st.from_regex(r"[a-z][a-z-]{0,8}", fullmatch=True),
        st.from_regex(r"[a-z0-9]{0,6}", fullmatch=True),
    )
)
def test_what_is_written_is_read(wishes: dict[str, str]) -> None:
    plain = ", ".join(f"{name}={value}" for name, value in wishes.items())
    quoted = [f'{name}="{value}"; about=it' for name, value in wishes.items()]
    assert preferences(asked(plain)) == wishes
    assert preferences(asked(*quoted)) == wishes
