"""`check-compliance` answered in the request, on a connection that cannot write."""

from collections.abc import Mapping
from typing import Any

import orjson
from fastapi import Response

from shanhai.db.identity import Identity
from shanhai.processes.check_compliance.check import check_if_small
from shanhai.processes.check_compliance.contract import CheckComplianceInputs
from shanhai.processes.kit.contract import Inputs
from shanhai_api.compliance.models import ComplianceCheck
from shanhai_api.compliance.naming import names_in
from shanhai_api.negotiation import HTML, JSON
from shanhai_api.state import ServiceState
from shanhai_api.view import View


async def check_at_once(
    view: View,
    state: ServiceState,
    caller: Identity,
    inputs: Inputs,
    *,
    form: Mapping[str, str] | None = None,
    raw: bool = False,
) -> Response | None:
    """The results document (`raw`: its only member), or a page; None where a job is needed."""
    if not isinstance(inputs, CheckComplianceInputs):
        return None
    result = await check_if_small(state.quick, caller.viewer, inputs)
    if result is None:
        return None
    if raw:
        return view.send(orjson.dumps(result), JSON.media_type)
    document: dict[str, Any] = {"result": result}
    extra: dict[str, Any] = {"form": form}
    if view.wants_html(JSON, HTML):
        extra["names"] = await names_in(state.quick, result, caller.viewer, view.lang)
    return view.respond(document, template=ComplianceCheck.template, extra=extra)
