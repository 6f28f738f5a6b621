"""Requests the services make by themselves, to servers that really listen."""

import asyncio
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from shanhai import http_egress
from shanhai.errors import Unavailable
from shanhai.http_egress import EgressClient
from shanhai.settings import OutgoingSettings
from tests.support.certificates import make_certificates
from tests.support.receiver import Receiver, local_receiver

HOST = "hooks.test"
HERE = ("127.0.0.0/8",)


class Names:
    """A resolver that answers as told, and counts."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append((host, port))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with local_receiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return make_certificates(tmp_path_factory.mktemp("tls") / "here", HOST)


def client(receiver: Receiver, names: Names, **settings: object) -> EgressClient:
    given = {"http_hosts": (f"{HOST}:{receiver.port}",), "networks": HERE, **settings}
    return EgressClient(OutgoingSettings.model_validate(given), resolve=names)


def url(receiver: Receiver, scheme: str = "http") -> str:
    return f"{scheme}://{HOST}:{receiver.port}/in"


async def test_the_address_is_pinned_and_the_name_is_told(receiver: Receiver) -> None:
    # Asked again, the name would lead elsewhere.
    names = Names(["127.0.0.1"], ["10.0.0.1"])
    status = await client(receiver, names).post(url(receiver), b"{}", {"X-Mark": "1"})
    assert status == 204
    assert names.asked == [(HOST, receiver.port)]
    [request] = receiver.received
    assert (request.method, request.path, request.body) == ("POST", "/in", b"{}")
    assert request.headers["Host"] == f"{HOST}:{receiver.port}"
    assert request.headers["X-Mark"] == "1"


@pytest.mark.parametrize(
    "found",
    [
        ["127.0.0.1"],
        ["93.184.216.34", "127.0.0.1"],
        ["::ffff:127.0.0.1"],
        ["64:ff9b::7f00:1"],
        ["2002:7f00:1::"],
        ["fe80::1%lo"],
        ["169.254.169.254"],
        ["0.0.0.0"],  # noqa: S104 - an address, not something that listens
    ],
    ids=str,
)
async def test_names_that_lead_inside_are_refused(receiver: Receiver, found: list[str]) -> None:
    names = Names(found)
    with pytest.raises(Unavailable, match="SHANHAI_OUTGOING_NETWORKS") as caught:
        await client(receiver, names, networks=()).post(url(receiver), b"{}", {})
    assert "不允许访问" in caught.value.message_zh
    # Who may read the reason need not learn where the name leads to.
    assert not any(address in caught.value.message for address in found)
    assert receiver.received == []


async def test_an_address_that_takes_no_connection_is_passed_over(receiver: Receiver) -> None:
    names = Names(["127.0.0.2", "127.0.0.1"])
    assert await client(receiver, names).post(url(receiver), b"{}", {}) == 204


async def test_redirects_are_answers(receiver: Receiver) -> None:
    with local_receiver() as elsewhere:
        receiver.statuses, receiver.headers = [302], {"Location": elsewhere.url}
        asking = client(receiver, Names(["127.0.0.1"]))
        assert await asking.post(url(receiver), b"{}", {}) == 302
        with pytest.raises(Unavailable, match="status 302"):
            await asking.fetch_json(url(receiver))
        assert elsewhere.received == []


async def test_a_slow_answer_is_not_waited_for(receiver: Receiver) -> None:
    receiver.delay_s = 30.0
    asking = client(receiver, Names(["127.0.0.1"]), timeout_s=0.3)
    with pytest.raises(Unavailable, match="Timeout"):
        await asking.post(url(receiver), b"{}", {})


async def test_what_may_be_secret_in_an_address_is_not_told(receiver: Receiver) -> None:
    receiver.statuses = [403]
    asking = client(receiver, Names(["127.0.0.1"]))
    with pytest.raises(Unavailable) as caught:
        await asking.fetch(f"{url(receiver)}?tk=secret")
    assert f"{url(receiver)} cannot be reached: status 403" in caught.value.message
    assert "secret" not in caught.value.message + caught.value.message_zh
    assert receiver.received[0].path == "/in?tk=secret"


async def test_failures_are_told_apart(receiver: Receiver) -> None:
    asking = client(receiver, Names(["127.0.0.1"]), timeout_s=0.5)
    receiver.statuses, receiver.answer = [200], b" " * (http_egress.LIMIT_BYTES + 1)
    with pytest.raises(http_egress.UnusableAnswer):
        await asking.get(url(receiver))
    receiver.statuses = [500]
    told = await asking.get(url(receiver))
    assert told == (500, b" " * http_egress.BEGINNING_BYTES, "")
    receiver.delay_s = 30.0
    with pytest.raises(http_egress.NoAnswerInTime):
        await asking.get(url(receiver))


async def test_a_connection_without_an_answer_to_its_handshake_is_closed() -> None:
    """As of a server that was stopped: the system goes on to take connections for it."""
    with socket.create_server(("127.0.0.1", 0)) as stopped:
        host = f"{HOST}:{stopped.getsockname()[1]}"
        settings = OutgoingSettings(hosts=(host,), networks=HERE, timeout_s=0.3)
        asking = EgressClient(settings, resolve=Names(["127.0.0.1"]))
        with pytest.raises(Unavailable, match="Timeout"):
            await asking.fetch(f"https://{host}/in")
        connection, _ = stopped.accept()
        with connection:
            connection.settimeout(5)
            assert await asyncio.to_thread(connection.recv, 65536)
            assert await asyncio.to_thread(connection.recv, 65536) == b""


async def test_a_big_answer_is_not_read(receiver: Receiver) -> None:
    receiver.statuses, receiver.answer = [200], b" " * (http_egress.LIMIT_BYTES + 1)
    asking = client(receiver, Names(["127.0.0.1"]))
    with pytest.raises(Unavailable, match="more than"):
        await asking.fetch_json(url(receiver))
    assert await asking.post(url(receiver), b"{}", {}) == 200


async def test_no_name_and_nobody_listening(receiver: Receiver) -> None:
    with pytest.raises(Unavailable, match="OSError"):
        await client(receiver, Names([])).post(url(receiver), b"", {})
    with pytest.raises(Unavailable, match="ConnectError"):
        await client(receiver, Names(["127.0.0.2"])).post(url(receiver), b"", {})


async def test_certificates_are_of_the_name(certificates: dict[str, str]) -> None:
    with local_receiver(tls=certificates) as receiver:
        given = {
            "hosts": (f"{HOST}:{receiver.port}", f"other.test:{receiver.port}"),
            "networks": HERE,
        }
        names = Names(["127.0.0.1"])
        trusting = OutgoingSettings.model_validate(
            {**given, "tls_ca": Path(certificates["tls_ca"])}
        )
        asking = EgressClient(trusting, resolve=names)
        assert await asking.post(url(receiver, "https"), b"{}", {}) == 204
        with pytest.raises(Unavailable, match="ConnectError"):
            await asking.post(f"https://other.test:{receiver.port}/", b"{}", {})
        # An authority nobody has named.
        stranger = EgressClient(OutgoingSettings.model_validate(given), resolve=names)
        with pytest.raises(Unavailable, match="ConnectError"):
            await stranger.post(url(receiver, "https"), b"{}", {})
        assert len(receiver.received) == 1


async def test_proxies_of_the_environment_are_not_used(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    with local_receiver() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        assert await client(receiver, Names(["127.0.0.1"])).post(url(receiver), b"", {}) == 204
        assert proxy.received == []
