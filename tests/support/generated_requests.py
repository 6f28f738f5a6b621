"""Requests made of the definition of a service, and what is wrong with the answers to them."""

import os
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import negative_data_rejection, positive_data_acceptance
from schemathesis.core.failures import FailureGroup

from tests.support.serving import PATIENCE_S

EXAMPLES = int(os.environ.get("SHANHAI_TEST_EXAMPLES", "3"))
SEED = int(os.environ.get("SHANHAI_TEST_SEED", "20260101"))
METHODS = ("get", "post", "put", "patch", "delete", "options")
KINDS = {"allowed": GenerationMode.POSITIVE, "not allowed": GenerationMode.NEGATIVE}
"""Requests that the definition allows, and such that break one of its rules."""
UNTOLD = [positive_data_acceptance]
"""What no schema tells, a request may still be refused for: a code that nothing has, a ring that
does not close, a filter that cannot be read, two members that exclude each other."""


RECEIPTS = frozenset({"/observations", "/cases"})
"""Where many rows may be sent, and faulty ones are told in the answer."""


def told_as_rejected(_context: Any, answer: Any, case: Any) -> None:
    """Whether what breaks a rule is refused, be it as a row of many."""
    if answer.status_code < 300 and not answer.json()["rejected"]:
        raise AssertionError(f"{case.operation.path} took {case.body!r}")


@lru_cache
def definition_at(address: str) -> Any:
    """The definition of a running service."""
    return schemathesis.openapi.from_url(f"{address}/api", timeout=PATIENCE_S)


def faults_of(address: str, method: str, kind: str, key: str | None, *without: str) -> list[str]:
    """What is wrong with the answers of all operations of a method, except on these paths."""
    # Nobody works on the jobs here, so there is no use in waiting for one.
    headers = {"Prefer": "respond-async"}
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    return [
        f"{operation.method.upper()} {operation.path}: {fault}"
        for found in definition_at(address).get_all_operations()
        if (operation := found.ok()).method == method and operation.path not in without
        for fault in _faults(operation, KINDS[kind], address, headers)
    ]


def _faults(
    operation: Any, mode: GenerationMode, address: str, headers: dict[str, str]
) -> Iterator[str]:
    without, also = [*UNTOLD], []
    if mode is GenerationMode.NEGATIVE and operation.path in RECEIPTS:
        without, also = [*UNTOLD, negative_data_rejection], [told_as_rejected]

    @seed(SEED)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        case.call_and_validate(
            base_url=address,
            headers=headers,
            excluded_checks=without,
            additional_checks=also,
            timeout=PATIENCE_S,
        )

    try:
        ask()
    except Unsatisfiable:
        # It takes nothing, and so nothing can be wrong with it.
        return
    except (Exception, FailureGroup) as error:
        yield str(error)[:1500]
