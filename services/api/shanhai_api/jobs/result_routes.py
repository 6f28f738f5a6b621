"""`/jobs/{job}/results`: what a process made, sent as it is; of any JSON, or none."""

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Response

from shanhai.jobs.result_form import ResultForm
from shanhai.processes.catalogue import CONTRACTS
from shanhai_api.compliance.naming import names_in
from shanhai_api.dependencies import (
    PageQuery,
    Reader,
    ReadSession,
    TheState,
    TheView,
    format_field,
)
from shanhai_api.job_results import raw_answer, told_results, value_answer
from shanhai_api.job_wait import successful_result
from shanhai_api.jobs import operations
from shanhai_api.jobs.files import send_file
from shanhai_api.negotiation import HTML, JSON
from shanhai_api.processes.descriptions import RESULTS, VALUE, result_contents
from shanhai_api.view import View

router = APIRouter(tags=["processes"])
WHOLE = {
    JSON.media_type: {"schema": {"anyOf": [{"$ref": f"#/components/schemas/{RESULTS}"}, VALUE]}},
    HTML.media_type: {"schema": {"type": "string"}},
}
Parameters = Annotated[PageQuery, Query()]


class OutputQuery(PageQuery):
    """Parameters of one output."""

    f: str | None = format_field("json", "text", "html")


@router.get(
    "/jobs/{job}/results",
    summary="A job's results",
    response_class=Response,
    responses={200: {"content": {**result_contents(), **WHOLE}}},
)
async def read_results(
    view: TheView,
    state: TheState,
    caller: Reader,
    job: str,
    query: Parameters,
    session: ReadSession,
) -> Response:
    """Tell the results in the form asked for with the job: one document, or outputs as they are.

    Whoever names a format with `f`, or asks for a page, is given the document.
    """
    row = await operations.read_job(session, caller, job)
    successful_result(row)
    raw = ResultForm.of_row(row.result_form).response == "raw"
    if raw and query.f is None and not wants_page(view):
        return raw_answer(view, state.store, row)
    document = told_results(row, view)
    values = {name: item for name, item in document.items() if is_value(name, item)}
    extra: dict[str, Any] = {"job": str(row.id), "values": values, "checked": None}
    if row.kind == "check-compliance" and view.wants_html(JSON, HTML):
        checked = document["result"]
        names = await names_in(session, checked, caller.viewer, view.lang)
        extra |= {"checked": checked, "names": names}
    return view.respond(document, template="results.html", extra=extra)


@router.get(
    "/jobs/{job}/results/{output}",
    summary="One output of a job",
    response_class=Response,
    responses={200: {"content": result_contents()}},
)
async def read_output(
    view: TheView,
    state: TheState,
    caller: Reader,
    job: str,
    output: str,
    query: Annotated[OutputQuery, Query()],
    session: ReadSession,
) -> Response:
    """Send a result file, or a value as JSON."""
    row = await operations.read_job(session, caller, job)
    file, value = operations.output_of(row, output)
    if file is not None:
        return send_file(view, state.store, output, file)
    known = next((item for item in CONTRACTS[row.kind].outputs if item.name == output), None)
    if known is None:
        return view.send(orjson.dumps(value), JSON.media_type)
    return value_answer(view, known, value)


def is_value(name: str, item: object) -> bool:
    """Whether a result is told on the page itself, being neither a file nor a layer of a map."""
    return name != "layers" and not (isinstance(item, dict) and "href" in item)


def wants_page(view: View) -> bool:
    """Whether a browser asks, which names HTML among what it accepts."""
    return HTML.media_type in view.request.headers.get("accept", "")
