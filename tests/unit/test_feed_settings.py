import pytest
from pydantic import ValidationError

from shanhai.settings import Hj212Settings, MqttSettings


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"url": "http://broker"}, "mqtt://user"),
        ({"url": "mqtt://"}, "mqtt://user"),
        ({"url": "mqtt://broker", "topics": ""}, "a broker needs topics"),
        ({"url": "mqtt://broker", "tls_ca": "/ca.pem"}, "need mqtts://"),
        ({"url": "mqtts://broker", "tls_cert": "/c.pem"}, "given together"),
        ({"topics": "a/{station}"}, "once each or never"),
        ({"topics": "a/{station}-x/{property}"}, "once each or never"),
        ({"topics": "{station}/{station}/{property}"}, "once each or never"),
        ({"topics": "a/#/{station}/{property}"}, "once each or never"),
        ({"topics": "a/b#"}, "whole levels"),
        ({"topics": "a/#/b"}, "whole levels"),
        ({"topics": "a+/b"}, "whole levels"),
        ({"topics": "$share/workers/a/#"}, "no shared subscriptions"),
        ({"client_id": "a b"}, "String should match"),
        ({"version": "3"}, "3.1.1"),
    ],
)
def test_a_wrong_setting_of_the_broker_is_named(given: dict[str, str], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        MqttSettings.model_validate(given)


def test_topics_and_networks_are_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHANHAI_MQTT_TOPICS", "a/{station}/{property}, b/#")
    monkeypatch.setenv("SHANHAI_HJ212_NETWORKS", "10.0.0.0/8,192.168.1.7")
    assert MqttSettings().topics == ("a/{station}/{property}", "b/#")
    assert [str(network) for network in Hj212Settings().networks] == [
        "10.0.0.0/8",
        "192.168.1.7/32",
    ]
