"""Pauses between tries, and who may pass before others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanhai.db.identity import Grant, Identity
from shanhai.errors import Forbidden
from shanhai.jobs.fair_queue import PRIORITIES, demand_priority, pause_s
from shanhai.vocabulary import Role, Scope

JOBS = frozenset({Scope.JOBS})


@pytest.mark.parametrize(
    ("retries", "pause"), [(0, 5), (1, 10), (3, 40), (6, 320), (7, 600), (50, 600)]
)
def test_pauses_double_up_to_the_longest(retries: int, pause: float) -> None:
    assert pause_s(retries, first_s=5, longest_s=600, jitter=1) == pause
    assert pause_s(retries, first_s=5, longest_s=600, jitter=0) == pause / 2


@given(
    st.integers(0, 10_000),
    st.floats(0.1, 1000),
    st.floats(0.1, 1000),
    st.floats(0, 1, exclude_max=True),
)
def test_pauses_stay_within_their_bounds(
    retries: int, first_s: float, longest_s: float, jitter: float
) -> None:
    pause = pause_s(retries, first_s=first_s, longest_s=longest_s, jitter=jitter)
    assert min(first_s, longest_s) / 2 <= pause <= longest_s
    assert pause <= pause_s(retries + 1, first_s=first_s, longest_s=longest_s, jitter=jitter)


@pytest.mark.parametrize(
    "identity",
    [
        Identity("key", JOBS),
        Identity("approver", JOBS, (Grant(Role.APPROVER, frozenset({1})),)),
        Identity("admin", frozenset({Scope.ADMIN}), (Grant(Role.ADMIN),)),
    ],
)
def test_some_may_pass_before_others(identity: Identity) -> None:
    assert demand_priority(identity, "high") == PRIORITIES["high"]


def test_a_planner_may_wait_longer_but_not_pass() -> None:
    planner = Identity("planner", JOBS, (Grant(Role.PLANNER),))
    assert demand_priority(planner, "low") < demand_priority(planner, "normal")
    with pytest.raises(Forbidden, match="approver") as refused:
        demand_priority(planner, "high")
    assert str(refused.value.message_zh).endswith("以下角色之一：管理、审批、监管")
