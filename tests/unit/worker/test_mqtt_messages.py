from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanhai.errors import InvalidInput
from shanhai.monitoring.observation_formats import ParsedRows
from shanhai_worker.feeds.mqtt import Timeless, Topic, read_message

TOPICS = [Topic.of(text) for text in ("obs/json", "w/{station}/+/{property}", "deep/#")]
NOW = datetime(2026, 8, 1, tzinfo=UTC)
levels = st.text(st.characters(codec="ascii", exclude_characters="/+#{}\0"), min_size=1)


def read(topic: str, payload: bytes, now: datetime | None = NOW) -> ParsedRows:
    reading = ParsedRows()
    reading.take(read_message(TOPICS, topic, payload, now=now))
    return reading


def rows(reading: ParsedRows) -> list[tuple[str, str, str, float]]:
    batch = reading.batch()
    return [
        (
            batch.station.distinct[batch.station.number[at]],
            batch.property.distinct[batch.property.number[at]],
            str(batch.time[at])[:16],
            float(batch.value[at]),
        )
        for at in range(len(batch))
    ]


@pytest.mark.parametrize(
    ("text", "asked"),
    [("obs/json", "obs/json"), ("w/{station}/+/{property}", "w/+/+/+"), ("a/#", "a/#")],
)
def test_places_are_asked_for_as_any_level(text: str, asked: str) -> None:
    assert Topic.of(text).filter == asked


@given(levels, levels, levels)
def test_a_topic_names_station_and_property(station: str, other: str, of: str) -> None:
    topic = f"w/{station}/{other}/{of}"
    assert TOPICS[1].match(topic) == {"station": station, "property": of}
    assert TOPICS[0].match(topic) is None
    assert TOPICS[1].match(topic + "/more") is None


@pytest.mark.parametrize("topic", ["deep", "deep/a", "deep/a/b"])
def test_a_topic_may_have_any_end(topic: str) -> None:
    assert TOPICS[2].match(topic) == {}
    assert TOPICS[2].match(f"not{topic}") is None


def test_a_number_alone_is_a_value_of_now() -> None:
    assert rows(read("w/s1/x/ph", b" 7.10\n")) == [("s1", "ph", "2026-08-01T00:00", 7.1)]


def test_a_number_alone_that_is_not_of_now_is_refused() -> None:
    with pytest.raises(Timeless, match="no time of its own") as refused:
        read("w/s1/x/ph", b"7.1", now=None)
    assert "时间" in refused.value.message_zh
    said = b'{"time": "2026-08-01T08:00:00+08:00", "value": 7}'
    assert rows(read("w/s1/x/ph", said, now=None)) == [("s1", "ph", "2026-08-01T00:00", 7)]


def test_the_topic_goes_before_what_the_payload_says() -> None:
    said = b'{"station": "s2", "time": "2026-08-01T08:00:00+08:00", "value": 7}'
    assert rows(read("w/s1/x/ph", said)) == [("s1", "ph", "2026-08-01T00:00", 7)]


@pytest.mark.parametrize("form", ["%s", "[%s]", "[%s, %s]", "%s\n%s", "%s\r\n%s\r\n"])
def test_payloads_are_json_and_ndjson(form: str) -> None:
    row = '{"station": "s1", "property": "ph", "time": "2026-08-01T00:00Z", "value": 7}'
    reading = read("obs/json", form.replace("%s", row).encode())
    assert rows(reading) == [("s1", "ph", "2026-08-01T00:00", 7)] * form.count("%s")
    assert reading.refused.number == 0


@pytest.mark.parametrize("payload", [b"{", b"12", b"nan", b"\xff", b"[1]", b'{"value": 1}', b'"x"'])
@pytest.mark.parametrize("topic", ["obs/json", "deep/a"])
def test_what_is_no_observation_is_refused(topic: str, payload: bytes) -> None:
    reading = read(topic, payload)
    assert (reading.refused.number, rows(reading)) == (1, [])


@pytest.mark.parametrize("payload", [b"nan", b"inf", b"1_0", b"1e99999", b"0x1", b"1" * 65])
def test_what_is_no_number_is_refused(payload: bytes) -> None:
    reading = read("w/s1/x/ph", payload)
    assert (reading.refused.number, rows(reading)) == (1, [])


def test_a_topic_nobody_asked_for_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no configured topic fits 'else'"):
        read("else", b"1")
