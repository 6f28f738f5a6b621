"""What a form asks to check, as the inputs of the process."""

from collections.abc import Mapping
from typing import Any

import orjson

from shanhai.errors import InvalidInput, LimitExceeded
from shanhai.processes.check_compliance.contract import CheckComplianceInputs
from shanhai_api.kit.body import parse

LISTS = ("activities", "lines")


def asked_by_form(given: Mapping[str, str | None]) -> CheckComplianceInputs:
    """The inputs; what was left empty is not given.

    Raises:
        InvalidInput: they break a rule.
    """
    found: dict[str, Any] = {name: value for name, value in given.items() if value}
    if "geometry" in found:
        found["geometry"] = _geometry(found["geometry"])
    for name in LISTS:
        if name in found:
            found[name] = [item.strip() for item in found[name].split(",") if item.strip()]
    return parse(CheckComplianceInputs, found)


def _geometry(text: str) -> Any:
    """The geometry of a text, which may be a feature around it."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise InvalidInput(
            "geometry must be GeoJSON", message_zh="geometry 必须是 GeoJSON", pointer="geometry"
        ) from None
    inner = value.get("geometry") if isinstance(value, dict) else None
    return value if inner is None else inner


def too_large() -> LimitExceeded:
    """The refusal of what a form cannot wait for."""
    return LimitExceeded(
        "this geometry is checked by a job: POST it to /processes/check-compliance/execution",
        message_zh="该几何须由作业检查：请 POST 到 /processes/check-compliance/execution",
        pointer="project",
    )
