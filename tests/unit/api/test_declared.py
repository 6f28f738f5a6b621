"""The check of answers in the tests of the service: it must not let everything pass."""

import pytest

from tests.service.api.declared import declaration
from tests.support.declared import Answer


def answered(body: bytes, status: int = 200) -> Answer:
    answer = Answer()
    headers = [(b"content-type", b"application/json")]
    answer.take({"type": "http.response.start", "status": status, "headers": headers})
    answer.take({"type": "http.response.body", "body": body})
    return answer


def test_what_is_declared_passes() -> None:
    answered(b'{"webhooks": [], "links": []}').check(declaration(), "/webhooks", "get")


@pytest.mark.parametrize("body", [b'{"webhooks": []}', b'{"webhooks": [{}], "links": []}'])
def test_what_lacks_members_fails(body: bytes) -> None:
    with pytest.raises(AssertionError, match="does not answer as declared"):
        answered(body).check(declaration(), "/webhooks", "get")


def test_a_status_nobody_declared_fails() -> None:
    with pytest.raises(AssertionError, match="203 is not declared"):
        answered(b"{}", 203).check(declaration(), "/webhooks", "get")
