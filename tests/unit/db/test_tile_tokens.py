import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from shanhai.db.authentication import SM3_MARK, TILE_MARK, TileToken, seal, unseal
from shanhai.errors import Unauthenticated
from shanhai.settings import TileTokenSettings

ALPHABET = f"{string.ascii_uppercase}{string.ascii_lowercase}{string.digits}-_"
SECRET = "a secret of the tests that nobody can guess"
# A day: the whole suite may run longer than an hour between the import and the test.
TOKEN = TileToken(
    "account:7",
    frozenset({"zones", "ratio.xiamen"}),
    int(time.time()) + 86_400,
    frozenset({"规划"}),
    frozenset({"mfa"}),
)


def test_token_is_read_as_it_was_sealed() -> None:
    assert unseal(seal(TOKEN, SECRET), SECRET) == TOKEN


def test_same_token_is_the_same_text() -> None:
    again = TileToken(*(getattr(TOKEN, name) for name in TileToken.__slots__))
    assert seal(again, SECRET) == seal(TOKEN, SECRET)
    assert seal(TOKEN, SECRET).replace("_", "").replace("-", "").replace(".", "").isalnum()


@given(st.data())
def test_any_changed_character_is_noticed(data: st.DataObject) -> None:
    text = seal(TOKEN, SECRET)
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters(exclude_characters=text[at], max_codepoint=0x24F))
    with pytest.raises(Unauthenticated):
        unseal(text[:at] + other + text[at + 1 :], SECRET)


def test_bits_that_stand_for_nothing_are_noticed() -> None:
    content, _, signature = seal(TOKEN, SECRET).partition(".")
    # 32 bytes leave two bits of the last character over.
    last = ALPHABET[ALPHABET.index(signature[-1]) + 1]
    with pytest.raises(Unauthenticated):
        unseal(f"{content}.{signature[:-1]}{last}", SECRET)


@pytest.mark.parametrize(
    "text", ["", TILE_MARK, f"{TILE_MARK}.", "shk_abc", "a" * 20_000, f"{TILE_MARK}W10.W10"]
)
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(Unauthenticated):
        unseal(text, SECRET)


def test_without_a_secret_nothing_is_a_token() -> None:
    with pytest.raises(Unauthenticated):
        unseal(seal(TOKEN, ""), "")


def test_token_ends() -> None:
    past = TileToken("key:abcdefgh", frozenset({"zones"}), int(time.time()))
    with pytest.raises(Unauthenticated, match="expired"):
        unseal(seal(past, SECRET), SECRET)


def test_a_token_of_either_suite_is_good_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    by_sha = seal(TOKEN, SECRET)
    monkeypatch.setenv("SHANHAI_CRYPTO_SUITE", "commercial")
    by_sm3 = seal(TOKEN, SECRET)
    past = seal(TileToken("key:abcdefgh", frozenset({"zones"}), int(time.time())), SECRET)
    for suite in ("commercial", "international"):
        monkeypatch.setenv("SHANHAI_CRYPTO_SUITE", suite)
        assert unseal(by_sha, SECRET) == unseal(by_sm3, SECRET) == TOKEN
        with pytest.raises(Unauthenticated, match="expired"):
            unseal(past, SECRET)
    # What tells the suite is signed along, as it were: the other MAC is another.
    for forged in (by_sm3.removesuffix(SM3_MARK), by_sha + SM3_MARK, by_sm3 + SM3_MARK):
        with pytest.raises(Unauthenticated, match="not valid"):
            unseal(forged, SECRET)
    with pytest.raises(Unauthenticated, match="not valid"):
        unseal(by_sm3, SECRET[::-1])


def test_short_secrets_are_refused() -> None:
    with pytest.raises(ValidationError, match="at least 32"):
        TileTokenSettings(secret=SecretStr("short"))
    assert TileTokenSettings(secret=SecretStr("")).secret.get_secret_value() == ""
