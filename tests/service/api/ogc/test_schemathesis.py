"""Whatever the definition at `/api` allows: no answer is a failure, or one it does not tell of."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import status_code_conformance

EXAMPLES = 3
CHECKS = [not_a_server_error, status_code_conformance]


@pytest.fixture(scope="module")
def definition_of(address: str) -> Any:
    return schemathesis.openapi.from_url(f"{address}/api")


@pytest.mark.parametrize("anonymous", [True, False], ids=["anybody", "everything allowed"])
@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
@pytest.mark.timeout(240)
def test_no_answer_is_unforeseen(
    definition_of: Any, address: str, plan_key: str, method: str, anonymous: bool
) -> None:
    # Nobody works on the jobs here, so there is no use in waiting for one.
    headers = {"Prefer": "respond-async"}
    if not anonymous:
        headers["Authorization"] = f"Bearer {plan_key}"
    faults = [
        f"{operation.method.upper()} {operation.path}: {fault}"
        for operation in operations(definition_of, method)
        for fault in faults_of(operation, address, headers)
    ]
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


def operations(definition: Any, method: str) -> Iterator[Any]:
    for found in definition.get_all_operations():
        operation = found.ok()
        # This stream has no end to wait for.
        if operation.method == method and operation.path != "/alerts/events":
            yield operation


def faults_of(operation: Any, address: str, headers: dict[str, str]) -> list[str]:
    """What is wrong with the answers to a few requests the definition allows."""

    @seed(20260101)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        case.call_and_validate(base_url=address, headers=headers, checks=CHECKS, timeout=20)

    try:
        ask()
    except (Exception, FailureGroup) as error:
        return [str(error)[:1500]]
    return []
