"""JSON is looked through before it is parsed."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from shanhai.errors import InvalidInput
from shanhai.processes.echo.contract import EchoInputs
from shanhai_api import compensation, complaints, duties, mine_duties, notices
from shanhai_api.cases.routes import CaseStepBody
from shanhai_api.compliance.models import ExceptionRequestBody, RevokeBody
from shanhai_api.kit.body import JSON_DEPTH, depth_of, parse, parse_json, pointer_of
from shanhai_api.plans.editions import NewEdition
from shanhai_api.plans.schemas import DecisionBody, TargetsBody
from shanhai_api.projects.schemas import TransitionBody
from shanhai_api.proposals.routes import ProposalBody, ProposalStepBody

Json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=20,
)
st.text().validate()  # makes the tables of Unicode now, before the draws of a test are timed


def nesting(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max((nesting(item) for item in value.values()), default=0)
    if isinstance(value, list):
        return 1 + max((nesting(item) for item in value), default=0)
    return 0


@given(Json)
def test_depth_is_that_of_the_parsed_value(value: object) -> None:
    try:
        body = orjson.dumps(value)
    except TypeError:  # a lone surrogate is no text JSON can hold
        return
    assert depth_of(body) == min(nesting(value), JSON_DEPTH + 1)


@pytest.mark.parametrize(
    "body",
    [b'"' + b"\\" * 2_000_000, b'"\\' * 1_000_000, b'"' * 2_000_001, b"[" * 5_000_000],
)
def test_no_input_makes_it_look_twice(body: bytes) -> None:
    # A quadratic scan of these would take hours, which no test has.
    assert depth_of(body) in {0, JSON_DEPTH + 1}


def test_both_languages_say_where_json_ends_to_be_json() -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_json(b'{"a": NaN}')
    assert refused.value.message.endswith("at character 6")
    assert refused.value.message_zh == "请求体不是有效的 JSON：位置 6 处有误"


def test_pointers_are_escaped() -> None:
    assert pointer_of(("a/b", 0, "m~n")) == "/a~1b/0/m~0n"
    assert pointer_of(()) == ""


@pytest.mark.parametrize("value", ["x", [1], {"a": 1}])
def test_pointers_lead_to_members_and_not_to_tags_of_unions(value: object) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(EchoInputs, {"number": value})
    assert {fault.pointer for fault in caught.value.faults} == {"/number"}


@pytest.mark.parametrize(
    ("body", "member"),
    [
        (CaseStepBody, "note"),
        (CaseStepBody, "answer"),
        (ExceptionRequestBody, "reason"),
        (RevokeBody, "reason"),
        (NewEdition, "note"),
        (DecisionBody, "reason"),
        (TargetsBody, "reason"),
        (TransitionBody, "note"),
        (ProposalBody, "reason"),
        (ProposalStepBody, "reason"),
        (compensation.SettlementStepBody, "reason"),
        (mine_duties.DepositBody, "note"),
        (duties.JudgementBody, "judgement"),
        (notices.ReplyBody, "reason"),
        (complaints.NewComplaint, "text"),
    ],
)
def test_a_reason_or_answer_is_not_blank(body: type[BaseModel], member: str) -> None:
    def refused(words: str) -> bool:
        with pytest.raises(ValidationError) as caught:
            body.model_validate({member: words, "no_member": None})
        return (member,) in {error["loc"] for error in caught.value.errors()}

    assert [
        words for words in ("", " ", "\n\t\u3000", "a\x00", "a\x07") if not refused(words)
    ] == []
    assert not refused("原因：\n\t补充调查。")
