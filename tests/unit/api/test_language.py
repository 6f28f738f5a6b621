"""Which language a header asks for."""

import pytest

from shanhai.negotiation import preferred


@pytest.mark.parametrize(
    ("header", "lang"),
    [
        ("", "en"),
        ("zh", "zh"),
        ("zh-Hans-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-GB,zh;q=0.9", "en"),
        ("en;q=0.2, zh;q=0.8", "zh"),
        ("fr, zh;q=0.1", "zh"),
        ("fr", "en"),
        ("zh;q=0, en", "en"),
        ("zh;q=nonsense", "en"),
        (";;;,,,", "en"),
    ],
)
def test_best_offered_language(header: str, lang: str) -> None:
    assert preferred(header) == lang
