"""Whatever is asked by the definition at `/api`, or against it: each answer is one it tells of."""

import httpx
import pytest

from tests.support.generated_requests import EXAMPLES, METHODS, faults_of

ENDLESS = "/alerts/events"
"""A stream, whose end nobody can wait for."""


@pytest.mark.parametrize("anonymous", [True, False], ids=["anybody", "everything allowed"])
@pytest.mark.parametrize("kind", ["allowed", pytest.param("not allowed", marks=pytest.mark.long)])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.timeout(80 * EXAMPLES)
def test_no_answer_is_unforeseen(
    address: str, plan_key: str, method: str, kind: str, anonymous: bool
) -> None:
    faults = faults_of(address, method, kind, None if anonymous else plan_key, ENDLESS)
    assert not faults, "\n\n".join(faults)


def test_every_answer_is_told_by_its_status(address: str) -> None:
    """With a `default`, any status would be a documented one."""
    definition = httpx.get(f"{address}/api").json()
    for path, item in definition["paths"].items():
        for method, operation in item.items():
            answers = operation["responses"]
            assert "default" not in answers, (method, path)
            if method == "post":
                assert "422" in answers, path
                assert "Idempotency-Key" in {known["name"] for known in operation["parameters"]}
