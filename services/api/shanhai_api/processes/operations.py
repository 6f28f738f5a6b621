"""Accept an execution request: the job is committed, then dispatched."""

from functools import partial

from shanhai.errors import Unauthenticated
from shanhai.jobs.submission import accept_job, terms_of
from shanhai.processes.echo.contract import ECHO, EchoInputs
from shanhai.processes.kit.contract import ProcessContract
from shanhai_api.identity import Caller
from shanhai_api.job_results import told_status
from shanhai_api.once import Made
from shanhai_api.processes.orders import Order
from shanhai_api.state import ServiceState, UnitOfWork
from shanhai_api.view import View

LONGEST_PAUSE_S = 10


def is_guest(state: ServiceState, caller: Caller, contract: ProcessContract) -> bool:
    """Whether it is anybody, and the process one that anybody may run here."""
    return caller.anonymous and contract is ECHO and state.configuration.public.public_echo


def demand_little(order: Order) -> None:
    """Refuse what would let anybody take the place of others, or send them messages.

    Raises:
        Unauthenticated: an identity is needed for what is asked.
    """
    pause = order.inputs.pause if isinstance(order.inputs, EchoInputs) else 0
    if order.subscriber is None and order.priority != "high" and pause <= LONGEST_PAUSE_S:
        return
    raise Unauthenticated(
        f"an identity is needed for a subscriber, priority `high` or a pause over"
        f" {LONGEST_PAUSE_S} s",
        message_zh=f"回调、高优先级或超过 {LONGEST_PAUSE_S} 秒的等待需要身份",
    )


async def accept(
    state: ServiceState, unit: UnitOfWork, view: View, caller: Caller, order: Order
) -> Made:
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
