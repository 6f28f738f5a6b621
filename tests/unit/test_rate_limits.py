"""Buckets of tokens within one process."""

from ipaddress import ip_address

import pytest

from shanhai import overload
from shanhai.errors import RateLimited
from shanhai.overload import RateLimiter, address_bucket
from shanhai.settings import RateSettings


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(overload, "time", clock)
    return clock


def limiter_of(**settings: float) -> RateLimiter:
    return RateLimiter(RateSettings(**{"identity": 10, "anonymous": 4, **settings}))  # type: ignore[arg-type]  # whole numbers


def test_allowance_is_spent_and_comes_back(clock: Clock) -> None:
    limiter = limiter_of()
    left = [limiter.spend("a", 1) for _ in range(10)]
    assert [item and item.remaining for item in left] == list(range(9, -1, -1))
    with pytest.raises(RateLimited) as refused:
        limiter.spend("a", 1)
    assert refused.value.headers["Retry-After"] == "1"
    assert refused.value.headers["RateLimit"] == '"identity";r=0;t=10'
    assert refused.value.headers["RateLimit-Policy"] == '"identity";q=10;w=10'
    clock.now += 3
    for _ in range(3):
        limiter.spend("a", 1)
    with pytest.raises(RateLimited):
        limiter.spend("a", 1)


def test_callers_do_not_share(clock: Clock) -> None:
    limiter = limiter_of()
    limiter.spend("a", 10)
    limiter.spend("b", 10)
    for _ in range(4):
        limiter.spend("c", 1, anonymous=True)
    with pytest.raises(RateLimited):
        limiter.spend("c", 1, anonymous=True)


def test_a_request_that_costs_more_than_all_needs_a_full_bucket(clock: Clock) -> None:
    limiter = limiter_of()
    limiter.spend("a", 25)
    with pytest.raises(RateLimited) as refused:
        limiter.spend("a", 1)
    assert refused.value.headers["Retry-After"] == "16"
    clock.now += 16
    limiter.spend("a", 1)
    with pytest.raises(RateLimited):
        limiter.spend("a", 25)


def test_nothing_is_limited_where_the_setting_is_zero(clock: Clock) -> None:
    limiter = limiter_of(identity=0, anonymous=0)
    assert limiter.spend("a", 10**6) is None
    assert limiter.spend("a", 10**6, anonymous=True) is None
    limiter.check("a")
    assert not limiter.buckets


def test_all_callers_together(clock: Clock) -> None:
    limiter = limiter_of(total=5)
    for name in "abcde":
        limiter.spend(name, 1)
    with pytest.raises(RateLimited):
        limiter.spend("f", 1)


def test_who_goes_on_beyond_their_own_takes_nothing_from_all(clock: Clock) -> None:
    limiter = limiter_of(total=20)
    limiter.spend("a", 10)
    for _ in range(20):
        with pytest.raises(RateLimited) as refused:
            limiter.spend("a", 1)
        assert refused.value.headers["RateLimit"].startswith('"identity"')
    limiter.spend("b", 10)


def test_who_has_nothing_left_is_refused_before_signing_in(clock: Clock) -> None:
    limiter = limiter_of()
    limiter.check("a")
    limiter.spend("a", 20, anonymous=True)
    with pytest.raises(RateLimited):
        limiter.check("a")


def test_made_up_callers_do_not_fill_the_memory(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overload, "MOST_BUCKETS", 3)
    limiter = limiter_of()
    for number in range(10):
        limiter.spend(str(number), 1)
    assert list(limiter.buckets) == ["7", "8", "9"]


def test_a_home_network_is_one_caller() -> None:
    first, second = ip_address("2001:db8::1"), ip_address("2001:db8::ffff:1")
    assert address_bucket(first) == address_bucket(second) == "address:2001:db8::/64"
    assert address_bucket(ip_address("10.0.0.1")) != address_bucket(ip_address("10.0.0.2"))
    assert address_bucket(None) == "address:None"


def test_few_acts_have_a_window_of_their_own(clock: Clock) -> None:
    limiter = limiter_of(window_s=10.0)
    for _ in range(2):
        limiter.limit("sent", "here", 2, 3600.0)
    with pytest.raises(RateLimited) as refused:
        limiter.limit("sent", "here", 2, 3600.0)
    assert refused.value.headers["Retry-After"] == "1800"
    limiter.limit("sent", "there", 2, 3600.0)
    limiter.limit("other", "here", 2, 3600.0)
    clock.now += 1800
    limiter.limit("sent", "here", 2, 3600.0)


def test_no_quota_is_no_limit_of_acts(clock: Clock) -> None:
    limiter = limiter_of()
    for _ in range(100):
        limiter.limit("sent", "here", 0, 3600.0)
    assert limiter.buckets == {}
