"""The states of what is drawn or computed for a plan: draft, published, superseded."""

from shanhai.db.features.entity import Lifecycle, Step
from shanhai.vocabulary import Role

_APPROVER = frozenset({Role.APPROVER})
_EITHER = frozenset({Role.APPROVER, Role.PLANNER})

DRAWN = Lifecycle(
    property="status",
    initial="draft",
    steps=(
        Step("draft", "published", _APPROVER),
        Step("published", "draft", _APPROVER),
        Step("published", "superseded", _EITHER),
        Step("superseded", "published", _APPROVER),
    ),
    settled=frozenset({"superseded"}),
)
