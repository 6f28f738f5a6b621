"""Proofs of work: ours, in time, for one purpose, and as hard as the challenge says."""

import hashlib
import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanhai.errors import Forbidden
from shanhai.overload import check_work, set_work

SECRET = "s" * 32
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SOON = NOW + timedelta(minutes=10)


def zero_bits(challenge: str, solution: str) -> int:
    """How many zero bits the digest begins with, counted one by one."""
    digest = hashlib.sha256(f"{challenge}:{solution}".encode()).digest()
    bits = "".join(f"{byte:08b}" for byte in digest)
    return len(bits) - len(bits.lstrip("0"))


def solved(challenge: str, bits: int) -> str:
    """The first number that solves it."""
    return next(str(n) for n in itertools.count() if zero_bits(challenge, str(n)) >= bits)


@given(st.integers(1, 10), st.integers(0, 200))
def test_a_solution_holds_if_the_digest_has_the_bits(bits: int, number: int) -> None:
    challenge = set_work(SECRET, "n", bits, SOON)
    if zero_bits(challenge, str(number)) >= bits:
        proof = check_work(SECRET, "n", challenge, str(number), NOW)
        assert proof.expires_at == SOON
        assert proof.sha256 == hashlib.sha256(challenge.encode()).hexdigest()
    else:
        with pytest.raises(Forbidden, match="zero bits"):
            check_work(SECRET, "n", challenge, str(number), NOW)


def test_a_challenge_is_for_one_purpose_of_one_service_and_expires() -> None:
    challenge = set_work(SECRET, "n", 4, SOON)
    solution = solved(challenge, 4)
    check_work(SECRET, "n", challenge, solution, SOON - timedelta(seconds=1))
    for secret, purpose, given_one in (
        ("t" * 32, "n", challenge),
        (SECRET, "m", challenge),
        (SECRET, "n", challenge.replace(".4.", ".1.")),
        (SECRET, "n", challenge[:-1]),
        (SECRET, "n", ""),
        (SECRET, "n", "题.目.不.是"),
    ):
        with pytest.raises(Forbidden, match="not one of ours"):
            check_work(secret, purpose, given_one, solution, NOW)
    with pytest.raises(Forbidden, match="expired"):
        check_work(SECRET, "n", challenge, solution, SOON)


def test_no_challenge_is_given_twice() -> None:
    assert set_work(SECRET, "n", 4, SOON) != set_work(SECRET, "n", 4, SOON)
