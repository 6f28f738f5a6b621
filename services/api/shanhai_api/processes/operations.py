"""Accept an execution request: the job is committed, then dispatched."""

from functools import partial

from shanhai.jobs.submission import accept_job, terms_of
from shanhai_api.identity import Caller
from shanhai_api.job_documents import told_status
from shanhai_api.once import Made
from shanhai_api.processes.orders import Order
from shanhai_api.state import State, Unit
from shanhai_api.view import View


async def accept(state: State, unit: Unit, view: View, caller: Caller, order: Order) -> Made:
    """Write the job, or find the one that will do, and say where it is."""
    accepted = await accept_job(
        unit.session,
        contract=order.contract,
        inputs=order.inputs,
        requested_by=caller.owner,
        identity=caller,
        request_id=view.request_id,
        result_form=order.form,
        subscriber=None if order.subscriber is None else order.subscriber.row(view.lang),
        terms=terms_of(
            state.configuration.queue, caller, priority=order.priority, unique_s=order.unique_s
        ),
    )
    job = accepted.job
    if accepted.new:
        unit.after_commit.append(partial(state.dispatcher.dispatch, job.id, job.attempt))
    content = told_status(job, view)
    location = {"Location": f"{view.base}/jobs/{job.id}"}
    return Made(content, location, status=201 if accepted.new else 200)
