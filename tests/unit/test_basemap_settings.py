import pytest
from pydantic import SecretStr, ValidationError

from shanhai.db.grants import ACCOUNTS
from shanhai.errors import InvalidInput
from shanhai.http_egress import parse_target
from shanhai.local.stack import BACKUP_URL, OF_OTHERS
from shanhai.local.stack import BASEMAPS_TOKEN as TOKEN_NAME
from shanhai.settings import BasemapSettings, OutgoingSettings, PublicSettings

TOKEN = "0123456789abcdef0123456789abcdef"


def test_nothing_is_named_by_default() -> None:
    assert PublicSettings().basemaps == ()
    BasemapSettings().check_named(())


def test_layers_are_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHANHAI_BASEMAPS", "vec, cva,vec,")
    monkeypatch.setenv("SHANHAI_BASEMAPS_TOKEN", TOKEN)
    assert PublicSettings().basemaps == ("vec", "cva")
    BasemapSettings().check_named(("vec", "cva"))


def test_layers_without_a_token_are_refused_in_both_languages() -> None:
    with pytest.raises(InvalidInput, match="SHANHAI_BASEMAPS is 'vec,cva'") as refused:
        BasemapSettings().check_named(("vec", "cva"))
    assert "SHANHAI_BASEMAPS_TOKEN" in refused.value.message_zh
    assert refused.value.faults[0].pointer == "SHANHAI_BASEMAPS_TOKEN"


@pytest.mark.parametrize("given", ["osm", "vec_w", "VEC", "vec;cva"])
def test_an_unknown_layer_is_named(given: str) -> None:
    with pytest.raises(ValidationError, match="'vec', 'cva', 'img', 'cia', 'ter' or 'cta'"):
        PublicSettings.model_validate({"basemaps": given})


@pytest.mark.parametrize("credit", ["", "<b>天地图</b>", "a&b", 'a"b', "a\nb", "图" * 121])
def test_a_credit_that_is_no_plain_text(credit: str) -> None:
    with pytest.raises(ValidationError, match="basemaps_credit"):
        PublicSettings.model_validate({"basemaps_credit": credit})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"token": "short"}, "8 to 128 characters"),
        ({"token": f"{TOKEN}&x=1"}, "8 to 128 characters"),
        ({"url": "t0.tianditu.gov.cn"}, "must read https://host"),
        ({"url": "ftp://t0.tianditu.gov.cn"}, "must read https://host"),
        ({"url": "https://user:secret@t0.tianditu.gov.cn"}, "must read https://host"),
        ({"url": "https://t0.tianditu.gov.cn/?tk=secret"}, "must read https://host"),
        ({"fresh_s": 59}, "greater than or equal to 60"),
        ({"store_mb": 15}, "greater than or equal to 16"),
    ],
)
def test_a_wrong_setting_is_named_and_not_shown(given: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said) as refused:
        BasemapSettings.model_validate(given)
    assert TOKEN not in str(refused.value)
    assert "secret" not in str(refused.value)


def test_the_token_is_not_shown() -> None:
    assert TOKEN not in repr(BasemapSettings(token=SecretStr(TOKEN)))


def test_the_host_that_is_named_may_be_asked_by_https_alone() -> None:
    told = OutgoingSettings(hosts=("hooks.example.org",)).reaching("https://maps.example:8443/a")
    assert parse_target("https://maps.example:8443/a/vec_w/wmts", told).port == 8443
    assert parse_target("https://hooks.example.org/", told).port is None
    for other in ("http://maps.example:8443/a", "https://maps.example/a", "https://t1.example/"):
        with pytest.raises(InvalidInput):
            parse_target(other, told)


@pytest.mark.parametrize(("name", "who"), [(TOKEN_NAME, "tiles"), (BACKUP_URL, "backup")])
def test_one_process_alone_is_told_it(name: str, who: str) -> None:
    told = {process for process in ACCOUNTS if name not in OF_OTHERS.get(process, ())}
    assert told - {"owner"} == {who}
