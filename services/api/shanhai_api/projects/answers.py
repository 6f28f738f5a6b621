"""The answers of what hangs on a project, as the API's definition tells them."""

from collections.abc import Iterable
from typing import Any

from shanhai_api.errors import MEDIA_TYPE

Answers = dict[int | str, dict[str, Any]]
PROBLEM = {
    "description": "An error, told as a problem document",
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
READING = (400, 401, 403, 404, 406, 429, 503)
KNOWN = {"description": "The caller has it already"}


def _answers(statuses: Iterable[int], **own: dict[str, Any]) -> Answers:
    told: Answers = dict.fromkeys(statuses, PROBLEM)
    return told | {int(status.removeprefix("_")): answer for status, answer in own.items()}


READ = _answers(READING, _304=KNOWN)
