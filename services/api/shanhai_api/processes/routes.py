"""`/processes`, `/processes/{p}`, `/processes/{p}/execution`."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field, field_validator

from shanhai.processes.catalogue import CONTRACTS
from shanhai.vocabulary import Scope
from shanhai_api.body_schema import body_of
from shanhai_api.compliance.execution import check_at_once
from shanhai_api.dependencies import MAY_LOOK, PageQuery, TheState, TheView, Writer, given
from shanhai_api.identity import demand
from shanhai_api.job_results import ended_answer
from shanhai_api.job_wait import wait_for_end
from shanhai_api.jobs.models import StatusInfo
from shanhai_api.kit.body import read_json
from shanhai_api.kit.routing import Route
from shanhai_api.negotiation import JSON
from shanhai_api.once import once, replayed
from shanhai_api.preferences import preferences
from shanhai_api.processes import descriptions, operations
from shanhai_api.processes.models import ProcessDescription, ProcessList
from shanhai_api.processes.operations import with_references
from shanhai_api.processes.orders import ExecuteBody, parse_order, parse_preference

router = APIRouter(tags=["processes"], route_class=Route)
DONE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The result, when the request waited for it; or, with `unique`, the job"
        " that was there already",
        "content": {
            **descriptions.result_contents(),
            JSON.media_type: {
                "schema": {
                    "anyOf": [
                        {"$ref": f"#/components/schemas/{StatusInfo.__name__}"},
                        {"$ref": f"#/components/schemas/{descriptions.RESULTS}"},
                        descriptions.VALUE,
                    ]
                }
            },
        },
    },
    201: {"description": "The accepted job; `Location` says where it is"},
    204: {"description": "Outputs asked for by reference: `Link` says where they are"},
}


class ListQuery(PageQuery):
    """Parameters of the list of processes."""

    limit: int = Field(100, ge=1, le=10_000, description="Processes on a page")
    cursor: str | None = Field(None, description="A place given by a `next` link")

    @field_validator("cursor")
    @classmethod
    def check_cursor(cls, text: str | None) -> str | None:
        """A cursor names the process before."""
        if text is not None and text not in CONTRACTS:
            raise ValueError(
                "is not a cursor of this API; follow the links / 不是本接口给出的游标，请用链接"
            )
        return text


@router.get("/processes", summary="The computations that can be asked for", dependencies=[MAY_LOOK])
async def list_processes(view: TheView, query: Annotated[ListQuery, Query()]) -> ProcessList:
    """List the processes."""
    names = list(CONTRACTS)
    start = 0 if query.cursor is None else names.index(query.cursor) + 1
    page = names[start : start + query.limit]
    links = view.self_links("/processes", **given(query))
    if start + len(page) < len(names):
        place: dict[str, Any] = {"limit": query.limit, "cursor": page[-1], "f": query.f}
        links.append(view.link("/processes", "next", JSON.media_type, **place))
    found = [descriptions.summary(CONTRACTS[name], view) for name in page]
    return ProcessList(processes=found, links=links)


@router.get(
    "/processes/{process}",
    summary="One computation, with inputs and outputs",
    dependencies=[MAY_LOOK],
)
async def describe_process(view: TheView, process: str) -> ProcessDescription:
    """Describe a process."""
    return descriptions.description(descriptions.contract_named(process), view)


@router.post(
    "/processes/{process}/execution",
    summary="Run a computation",
    status_code=201,
    response_model=StatusInfo,
    responses=DONE,
    openapi_extra=body_of(ExecuteBody),
)
async def execute_process(
    request: Request,
    view: TheView,
    state: TheState,
    caller: Writer,
    process: str,
) -> Response:
    """Accept a job, and wait for its end where that is wanted; answer at once what is quick."""
    contract = descriptions.contract_named(process)
    guest = operations.is_guest(state, caller, contract)
    if not guest:
        demand(caller, Scope.READ if contract.quick else Scope.JOBS)
    body = await read_json(request)
    value = await with_references(state.configuration.outgoing, caller, body.value)
    order = parse_order(contract, value)
    if guest:
        operations.demand_little(order)
    if order.subscriber is not None:
        order.subscriber.check_hosts(state.configuration.outgoing)
    preference = parse_preference(preferences(request), contract)
    if contract.quick and not order.needs_a_job and "respond-async" not in preference.applied:
        raw = order.form.response == "raw"
        answer = await check_at_once(view, state, caller, order.inputs, raw=raw)
        if answer is not None:
            return await replayed(request, state, caller, body_sha256=body.sha256, answer=answer)
    if not guest:
        demand(caller, Scope.JOBS)
    async with state.unit() as unit:
        made = await once(
            request,
            unit,
            caller,
            body_sha256=body.sha256,
            effect=lambda: operations.accept(state, unit, view, caller, order),
        )
    headers = dict(made.headers)
    if preference.applied:
        headers["Preference-Applied"] = ", ".join(preference.applied)
    if preference.wait_s:
        job = await wait_for_end(state, UUID(made.content["jobID"]), preference.wait_s)
        if job is not None:
            return ended_answer(view, state.store, job, headers=headers)
    return made.response(headers)
