from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanhai.errors import InvalidInput
from shanhai.monitoring.hj212.frame import FrameFault, FrameReader, checksum, frame
from shanhai.monitoring.hj212.packet import (
    MOST_WAITING,
    NUMBERED,
    PATIENCE_S,
    Joiner,
    Packet,
    PollutantValue,
    answer_to,
    read_packet,
    readings,
)

EXAMPLE = (
    b"##0101QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;"
    b"CP=&&RtdInterval=30&&1C80\r\n"
)
PACKET = Packet(
    "20160801085857223", "32", "2011", "100000", "010000A8900016F000169DC0", 5, "DataTime=x"
)
UPLOAD = replace(
    PACKET,
    content="DataTime=20160801085857;w01018-Rtd=12.5,w01018-Flag=N;w01001-Rtd=7.1,w01001-Flag=D",
)

segments = st.binary(max_size=60).filter(lambda segment: b"\r" not in segment)
segment_likes = st.lists(
    st.sampled_from(
        [*PACKET.segment().split(b";"), b"QN=0", b"PNUM=", b"Flag=255", b"CP=&&", b"&&"]
    )
).map(b";".join)
names = st.text("ABCDEFabcdef0123456789", min_size=1, max_size=24)


def read_all(stream: bytes, cuts: list[int]) -> tuple[list[bytes], int, int]:
    reader = FrameReader()
    bounds = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    found = [
        segment for start, end in pairwise(bounds) for segment in reader.feed(stream[start:end])
    ]
    return found, reader.garbage, reader.faults.total()


def test_the_standards_example_is_read_and_written() -> None:
    (segment,) = FrameReader().feed(EXAMPLE)
    packet = read_packet(segment)
    assert packet == replace(PACKET, command="1062", content="RtdInterval=30")
    assert checksum(segment) == 0x1C80
    assert frame(packet.segment()) == EXAMPLE


def test_a_checksum_in_small_letters_is_right_too() -> None:
    assert FrameReader().feed(EXAMPLE.replace(b"1C80", b"1c80")) == [EXAMPLE[6:-6]]


@given(st.lists(st.one_of(segments.map(frame), st.binary(max_size=20))), st.lists(st.integers(0)))
def test_how_a_stream_is_cut_makes_no_difference(pieces: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(pieces)
    assert read_all(stream, cuts) == read_all(stream, [])


@given(st.lists(segments), st.lists(st.integers(0)))
def test_every_frame_written_is_read(given: list[bytes], cuts: list[int]) -> None:
    assert read_all(b"".join(map(frame, given)), cuts) == (given, 0, 0)


@pytest.mark.parametrize(
    ("broken", "fault"),
    [
        (EXAMPLE.replace(b"1C80", b"1C81"), FrameFault.CRC),
        (EXAMPLE.replace(b"=30", b"=31"), FrameFault.CRC),
        (EXAMPLE.replace(b"0101", b"0102"), FrameFault.LENGTH),
        (EXAMPLE.replace(b"0101", b"0100"), FrameFault.LENGTH),
        (EXAMPLE.replace(b"0101", b"1025"), FrameFault.LENGTH),
        (EXAMPLE.replace(b"0101", b"01 1"), FrameFault.LENGTH),
        (EXAMPLE[:60], FrameFault.LENGTH),
    ],
)
def test_after_a_broken_frame_the_next_is_found(broken: bytes, fault: FrameFault) -> None:
    reader = FrameReader()
    assert reader.feed(broken + EXAMPLE) == [EXAMPLE[6:-6]]
    assert reader.faults == {fault: 1}
    assert reader.garbage == len(broken)


def test_what_is_never_a_frame_is_not_kept() -> None:
    reader = FrameReader()
    for _ in range(100):
        assert reader.feed(b"##1024" + b"x" * 2000 + b"#") == []
    assert reader.garbage > 199_000


def test_a_segment_too_long_or_with_an_end_in_it_is_not_written() -> None:
    with pytest.raises(InvalidInput, match="1025 bytes; at most 1024"):
        frame(b"x" * 1025)
    with pytest.raises(InvalidInput, match="contains the end"):
        frame(b"a\r\nb")


@given(
    names,
    st.integers(0, 255),
    st.integers(1, 9999).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n))),
    st.text("abc=-,;0123.", max_size=40),
)
def test_a_packet_comes_back_as_it_was(
    device: str, flag: int, parts: tuple[int, int], content: str
) -> None:
    number = parts if flag & NUMBERED else (1, 1)
    packet = replace(
        PACKET, device=device, flag=flag, content=content, parts=number[0], part=number[1]
    )
    assert read_packet(packet.segment()) == packet


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        (b"QN=20160801085857223;", b"", "QN"),
        (b"QN=20160801085857223", b"QN=20161301085857223", "QN"),
        (b"ST=32", b"ST=3", "ST"),
        (b"CN=2011", b"CN=20x1", "CN"),
        (b"PW=100000;", b"", "PW"),
        (b"MN=010000A8900016F000169DC0", b"MN=" + b"0" * 25, "MN"),
        (b"Flag=5", b"Flag=256", "Flag"),
        (b"Flag=5", b"Flag=7;PNUM=2;PNO=3", "PNO"),
        (b"Flag=5", b"Flag=7;PNUM=0;PNO=1", "PNUM"),
        (b"Flag=5", b"Flag=7", "PNUM"),
        (b"&&DataTime=x&&", b"&&DataTime=x", "CP"),
    ],
)
def test_a_broken_field_is_named(old: bytes, new: bytes, field: str) -> None:
    segment = PACKET.segment()
    assert old in segment
    with pytest.raises(InvalidInput) as refused:
        read_packet(segment.replace(old, new))
    assert [fault.pointer for fault in refused.value.faults] == [field]
    assert field in refused.value.message_zh


def test_a_password_is_not_repeated() -> None:
    with pytest.raises(InvalidInput) as refused:
        read_packet(PACKET.segment().replace(b"PW=100000", b"PW=" + b"s" * 33))
    assert "sss" not in refused.value.message


def test_answers_are_those_of_the_standard() -> None:
    answer = answer_to(UPLOAD)
    assert answer is not None
    assert answer.segment() == (
        b"QN=20160801085857223;ST=91;CN=9014;PW=100000;MN=010000A8900016F000169DC0;Flag=4;CP=&&&&"
    )
    notice = answer_to(replace(PACKET, command="1013"))
    assert notice is not None
    assert notice.command == "9013"
    assert answer_to(replace(PACKET, flag=4)) is None
    assert answer_to(replace(PACKET, command="9011")) is None


def test_real_time_values_are_read() -> None:
    at = datetime(2016, 8, 1, 0, 58, 57, tzinfo=UTC)  # Beijing is eight hours ahead
    found = readings(UPLOAD)
    assert found.values == (
        PollutantValue("w01018", at, 12.5, "valid"),
        PollutantValue("w01001", at, 7.1, "fault"),
    )
    assert found.faults == ()


def test_of_statistics_the_mean_is_the_value() -> None:
    packet = replace(
        PACKET,
        command="2061",
        content="DataTime=20161231235930;w21003-Cou=40,w21003-Min=0.4,w21003-Avg=0.62,"
        "w21003-Max=1e0,w21003-Flag=N",
    )
    (reading,) = readings(packet).values
    assert (reading.value, reading.at) == (0.62, datetime(2016, 12, 31, 15, 59, 30, tzinfo=UTC))


def test_a_pollutants_own_time_comes_first() -> None:
    content = "DataTime=20160801080000;w01018-SampleTime=20160801073000,w01018-Rtd=1;w01001-Rtd=7"
    first, second = readings(replace(PACKET, content=content)).values
    assert first.at == datetime(2016, 7, 31, 23, 30, tzinfo=UTC)
    assert second.at == datetime(2016, 8, 1, tzinfo=UTC)


def test_pollutants_between_commas_are_each_read() -> None:
    content = "DataTime=20160801080000;w01018-Rtd=1,w01001-Rtd=7,w01018-Flag=D,w21003-Rtd=x"
    found = readings(replace(PACKET, content=content))
    at = datetime(2016, 8, 1, tzinfo=UTC)
    assert found.values == (
        PollutantValue("w01018", at, 1, "fault"),
        PollutantValue("w01001", at, 7, "valid"),
    )
    assert [fault.pointer for fault in found.faults] == ["w21003"]


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ("w01001-Rtd=nan", "Rtd must be a number"),
        ("w01001-Rtd=1_0", "Rtd must be a number"),
        ("w01001-Rtd=", "Rtd must be a number"),
        ("w01001-Rtd=7,w01001-Flag=Q", "Flag must be one of NFMSDCTB"),
        ("w01001-Rtd=7,w01001-SampleTime=2016", "SampleTime must not be"),
        ("w/1001-Rtd=7", "must not be named"),
    ],
)
def test_a_pollutant_that_cannot_be_read_does_not_harm_others(broken: str, why: str) -> None:
    content = f"DataTime=20160801080000;{broken};w01018-Rtd=12"
    found = readings(replace(PACKET, content=content))
    assert [reading.pollutant for reading in found.values] == ["w01018"]
    (fault,) = found.faults
    assert why in fault.detail
    assert fault.pointer == broken.partition("-")[0]


@given(st.one_of(st.binary(), segment_likes), st.text("DaTime=;,-w0.1Rtd28FlgN&", max_size=60))
def test_whatever_comes_is_read_or_refused(segment: bytes, content: str) -> None:
    for attempt in (
        lambda: read_packet(segment),
        lambda: readings(replace(PACKET, content=content)),
        lambda: readings(replace(PACKET, content=f"DataTime=20160801080000;{content}")),
    ):
        with suppress(InvalidInput):
            attempt()


@pytest.mark.parametrize("content", ["w01018-Rtd=1", "DataTime=2016;w01018-Rtd=1"])
def test_values_without_a_time_are_refused(content: str) -> None:
    with pytest.raises(InvalidInput, match="DataTime"):
        readings(replace(PACKET, content=content))


def split(count: int, number: str = PACKET.number) -> list[Packet]:
    contents = ["DataTime=20160801080000", *(f"w{code:05}-Rtd={code}" for code in range(1, count))]
    return [
        replace(PACKET, number=number, flag=7, parts=count, part=at, content=content)
        for at, content in enumerate(contents, start=1)
    ]


@given(st.permutations(split(4)), st.booleans())
def test_parts_are_joined_in_any_order(parts: list[Packet], ended: bool) -> None:
    joiner = Joiner()
    *others, last = [replace(part, content=part.content + ";" * ended) for part in parts]
    for part in [*others, *others]:
        assert joiner.add(part, now_s=0) is None
    whole = joiner.add(last, now_s=0)
    assert whole is not None
    assert [reading.value for reading in readings(whole).values] == [1, 2, 3]
    assert (whole.parts, whole.flag) == (1, 5)


def test_parts_that_never_come_are_given_up() -> None:
    joiner = Joiner()
    first, second = split(2)
    joiner.add(first, now_s=0)
    assert joiner.add(second, now_s=PATIENCE_S + 1) is None
    assert joiner.abandoned == 1
    for number in range(MOST_WAITING + 1):
        joiner.add(split(2, f"201608010858572{number:02}")[0], now_s=PATIENCE_S + 1)
    assert joiner.abandoned == 3


def test_parts_that_contradict_each_other_are_given_up() -> None:
    joiner = Joiner()
    joiner.add(split(3)[0], now_s=0)
    joiner.add(split(2)[0], now_s=0)
    assert joiner.abandoned == 1
    assert joiner.add(split(2)[1], now_s=0) is not None
