"""What passwords are kept as, and what that costs whoever guesses."""

import re

from shanhai.passwords import NO_PASSWORD, hash_password, is_password

# The second of the choices that RFC 9106 recommends (section 4): 64 MiB, 3 passes, 4 lanes.
COST = re.compile(r"\$argon2id\$v=19\$m=65536,t=3,p=4\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}")


async def test_a_password_is_kept_at_the_cost_of_the_standard() -> None:
    kept = await hash_password("correct horse")
    assert COST.fullmatch(kept)
    assert await is_password("correct horse", kept)
    assert not await is_password("correct horsf", kept)


async def test_the_same_password_is_never_kept_alike() -> None:
    assert await hash_password("twice") != await hash_password("twice")


async def test_where_there_is_none_nothing_matches_at_the_same_cost() -> None:
    assert COST.fullmatch(NO_PASSWORD)
    assert not await is_password("", None)
    assert not await is_password("anything", None)
