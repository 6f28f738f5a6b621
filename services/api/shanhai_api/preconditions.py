"""What a write demands of the state it finds: `If-Match` and `If-None-Match`."""

from fastapi import Request

from shanhai_api.errors import PreconditionRequired
from shanhai_api.state import state_of


def expected_states(request: Request) -> frozenset[str] | None:
    """The states, one of which the object must be in; None for any.

    An entity tag is `"<state>.<representation>"`: the object may be written by whoever has read
    this state of it, in whatever language or format.

    Raises:
        PreconditionRequired: there is no `If-Match`, and the service demands one.
    """
    header = ",".join(request.headers.getlist("if-match"))
    if not header.strip():
        if state_of(request).configuration.public.require_if_match:
            raise PreconditionRequired(
                "If-Match with the ETag of the object is needed, so that no change is lost",
                message_zh="请用 If-Match 给出对象的 ETag，以免覆盖他人的更改",
            )
        return None
    tags = [tag.strip() for tag in header.split(",")]
    if "*" in tags:
        return None
    # A weak tag matches nothing: RFC 9110 has If-Match compare strongly.
    return frozenset(tag.strip('"').partition(".")[0] for tag in tags if tag.startswith('"'))


def wants_new(request: Request) -> bool:
    """Whether the object must not be there yet."""
    return request.headers.get("if-none-match", "").strip() == "*"
