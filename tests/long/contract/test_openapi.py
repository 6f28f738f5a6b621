"""The definition of the API: complete, stable in what OGC's suites look for, and documented."""

from typing import Any

import pytest
from fastapi import FastAPI
from openapi_spec_validator import OpenAPIV30SpecValidator, OpenAPIV31SpecValidator

from shanhai_api.openapi import describe_30, describe_31


@pytest.fixture(scope="module")
def definition(routed_app: FastAPI) -> dict[str, Any]:
    return describe_30(routed_app, "http://api.test")


def test_both_forms_are_valid(routed_app: FastAPI, definition: dict[str, Any]) -> None:
    OpenAPIV30SpecValidator(definition).validate()
    OpenAPIV31SpecValidator(describe_31(routed_app, "http://api.test")).validate()
