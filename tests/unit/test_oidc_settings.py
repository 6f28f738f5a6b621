"""Which settings of an identity provider make sense together."""

from typing import Any

import pytest
from pydantic import ValidationError

from shanhai.settings import OidcSettings

WHOLE: dict[str, Any] = {
    "issuer": "https://id.example/realms/city",
    "audience": "shanhai",
    "roles_claim": "groups",
    "roles": "desk=planner@xiamen,chiefs=admin",
}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"roles_claim": ""}, "SHANHAI_OIDC_ROLES_CLAIM"),
        ({"audience": ""}, "audience"),
        ({"issuer": "http://id.example"}, "https"),
        ({"issuer": "https://id.example;https://other.example"}, "commas part several"),
        ({"issuer": "https://id.example https://other.example"}, "commas part several"),
        ({"roles": "desk=planer"}, "group=role"),
        ({"roles": "chiefs=admin@xiamen"}, "admin"),
    ],
)
def test_what_cannot_work_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        OidcSettings(**{**WHOLE, **changes})


def test_a_claim_may_stand_for_no_roles_yet() -> None:
    assert OidcSettings(**{**WHOLE, "roles": ""}).roles == ()
    assert len(OidcSettings(**WHOLE).roles) == 2
