"""What every query refuses, whatever the endpoint does with it."""

from datetime import date

import pytest
from pydantic import BaseModel, ValidationError

from shanhai.errors import InvalidInput
from shanhai.validation import Rfc3339Date, Rfc3339Time
from shanhai_api.kit.body import parse
from shanhai_api.kit.dependencies import PageQuery, format_field


class LogQuery(PageQuery):
    f: str | None = format_field("json", "csv")
    day: Rfc3339Date | None = None
    until: Rfc3339Time | None = None
    actor: str | None = None


@pytest.mark.parametrize(
    "number", ["0", "0.5", "86400", "-1", "20260101", "1767225600", 86400, 0.5]
)
@pytest.mark.parametrize("name", ["day", "until"])
def test_a_number_is_no_time(name: str, number: str | float) -> None:
    with pytest.raises(ValidationError, match="not a number / 须为"):
        LogQuery.model_validate({name: number})


def test_times_and_other_texts_are_taken() -> None:
    told = {"day": "2026-03-01", "until": "2026-03-01T08:00:00+08:00", "actor": "17"}
    query = LogQuery.model_validate(told)
    assert (query.day, query.actor) == (date(2026, 3, 1), "17")
    assert query.until is not None
    assert query.until.isoformat() == told["until"]


class Paper(BaseModel):
    paid_on: Rfc3339Date
    seen_at: Rfc3339Time | None = None


def test_bodies_take_texts_alone_for_times() -> None:
    paper = parse(Paper, {"paid_on": "2026-03-01", "seen_at": "2026-03-01T08:00:00Z"})
    assert paper.paid_on == date(2026, 3, 1)
    assert paper.seen_at is not None
    for number in (86400, "86400", 20260301):
        with pytest.raises(InvalidInput, match="not a number"):
            parse(Paper, {"paid_on": number})


@pytest.mark.parametrize(("model", "name"), [(PageQuery, "csv"), (LogQuery, "html")])
def test_a_format_that_is_not_offered_is_refused(model: type[PageQuery], name: str) -> None:
    with pytest.raises(ValidationError, match=r"must be one of json.*之一"):
        model.model_validate({"f": name})
    assert model.model_validate({"f": "json"}).f == "json"
