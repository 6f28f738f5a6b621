"""Which settings of the mail server make sense together."""

from typing import Any

import pytest
from pydantic import ValidationError

from shanhai.settings import MAIL_ADDRESS, SmtpSettings

WHOLE: dict[str, Any] = {
    "host": "smtp.example",
    "sender": "warning@bureau.example",
    "link_secret": "s" * 32,
}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sender": ""}, "SHANHAI_SMTP_SENDER"),
        ({"sender": "Bureau <a@b.cn>"}, "SHANHAI_SMTP_SENDER"),
        ({"link_secret": "hunter21"}, "SHANHAI_SMTP_LINK_SECRET"),
        ({"user": "shanhai"}, "given together"),
        ({"password": "hunter20"}, "given together"),
        ({"tls": "none", "user": "shanhai", "password": "hunter22"}, "in the clear"),
        ({"tls": "ssl"}, "tls"),
    ],
)
def test_what_cannot_work_is_refused_and_no_secret_told(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        SmtpSettings(**{**WHOLE, **changes})
    assert said in str(refused.value)
    for name in ("password", "link_secret"):
        assert changes.get(name, "hunter") not in str(refused.value)


def test_a_server_in_a_closed_network_needs_no_tls_and_none_is_one() -> None:
    assert SmtpSettings(**WHOLE, tls="none").host == "smtp.example"
    assert SmtpSettings().host == ""
    assert SmtpSettings(**{**WHOLE, "host": "127.0.0.1"}, tls="none", user="a", password="b").user


@pytest.mark.parametrize(
    "address",
    [
        *("a@b.cn, c@d.cn", "a@b.cn\n", "a b@c.cn", "值班@b.cn", "<a@b.cn>", "a@-b", "@b.cn"),
        *("a@b..cn", "a@b-.cn", "a@b.-cn", "a@b.cn.", f"a@{'b.' * 126}cn"),
    ],
)
def test_one_plain_address_is_an_address(address: str) -> None:
    assert MAIL_ADDRESS.fullmatch(address) is None
    assert MAIL_ADDRESS.fullmatch("duty+night@bureau.example")
