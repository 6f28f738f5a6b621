"""Bodies and parameters of proposals."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from shanhai_api.dependencies import PageQuery
from shanhai_api.plan_values import Year

MOST_EVIDENCE = 100
# Characters PostgreSQL cannot keep, and those that show nothing, name nothing.
Code = Annotated[
    str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")
]
Title = Annotated[
    str, StringConstraints(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f\x7f]+$")
]
Words = Annotated[str, StringConstraints(min_length=1, max_length=4000, pattern=r"^[^\x00]+$")]
Number = Annotated[int, Field(ge=1, le=2**63 - 1)]


class Body(BaseModel):
    """A body whose members are all known."""

    model_config = ConfigDict(extra="forbid")


class RevisesBody(Body):
    """What is to be revised: a project, a programme, a plan, a target of a plan, or a zone."""

    project: Code | None = Field(None, description="Code of a project")
    programme: Code | None = Field(None, description="Code of a programme")
    plan: Code | None = Field(None, description="Code of an approved plan")
    indicator: Code | None = Field(None, description="With `plan`: an indicator in its list")
    region: Code | None = Field(
        None, description="With `indicator`: region of the figures; default the plan's own"
    )
    scheme: Code | None = Field(None, description="With `zone`: code of a published zone scheme")
    zone: Code | None = Field(None, description="With `scheme`: code of one of its zones")


class EvidenceBody(Body):
    """One thing a proposal is founded on."""

    alert: Number | None = Field(None, description="Number of an alert")
    case: Code | None = Field(None, description="Code of a red-line lead")
    value: Number | None = Field(None, description="Number (`id`) of a value of an indicator")
    job: UUID | None = Field(None, description="Number of a job")
    evaluation: Code | None = Field(None, description="Code of a stored evaluation")
    bulletin: Code | None = Field(None, description="Code of a bulletin")


class ProposalBody(Body):
    """A proposal."""

    title: Title = Field(description="What is proposed, in a line")
    reason: Words = Field(description="Why: what was observed, and what follows from it")
    revises: RevisesBody = Field(description="What is to be revised")
    change: dict[str, Any] = Field(
        min_length=1,
        description="The members that are to change, as a merge patch of the object would say"
        " them (`geometry` among them); of a target all its figures as `targets`",
        examples=[{"end_year": 2028}],
    )
    evidence: list[EvidenceBody] = Field(
        default_factory=list, max_length=MOST_EVIDENCE, description="What it is founded on"
    )


class ProposalStepBody(Body):
    """A step to be taken."""

    to: Literal["submitted", "accepted", "refused", "withdrawn", "carried_out"] = Field(
        description="The state to go to"
    )
    reason: Words | None = Field(None, description="Why; needed to decide and to withdraw")


class BlankQuery(PageQuery):
    """What a proposal is to be about, and founded on."""

    project: Code | None = Field(None, description="Code of a project")
    programme: Code | None = Field(None, description="Code of a programme")
    plan: Code | None = Field(None, description="Code of an approved plan")
    indicator: Code | None = Field(None, description="With `plan`: an indicator in its list")
    region: Code | None = Field(None, description="With `indicator`: region of the figures")
    scheme: Code | None = Field(None, description="With `zone`: code of a published zone scheme")
    zone: Code | None = Field(None, description="With `scheme`: code of one of its zones")
    alert: Number | None = Field(None, description="Number of an alert it is founded on")
    case: Code | None = Field(None, description="Code of a red-line lead it is founded on")
    value: Number | None = Field(None, description="Number of a value it is founded on")


class SuggestionsQuery(PageQuery):
    """Parameters of what is worth a proposal."""

    year: Year | None = Field(None, description="Year whose values are judged; default this year")
