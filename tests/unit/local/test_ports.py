import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from shanhai.errors import Unavailable
from shanhai.local import places
from shanhai.local.demo import results
from shanhai.local.places import PortBook, any_free_port, is_free


@pytest.fixture
def book(tmp_path: Path) -> PortBook:
    return PortBook(tmp_path / "ports.json")


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_port_is_chosen_once(book: PortBook) -> None:
    assert book.choose("redis") == book.choose("redis") == book.remembered("redis")


def test_the_preferred_port_is_taken_when_free(book: PortBook) -> None:
    free = any_free_port(set())
    assert book.choose("api", free) == free


def test_a_taken_port_is_replaced(book: PortBook, taken_port: int) -> None:
    book.remember("api", taken_port)
    assert book.choose("api", taken_port) != taken_port


def test_two_names_never_share_a_port(book: PortBook) -> None:
    free = any_free_port(set())
    assert book.choose("api", free) != book.choose("tiles", free)


def test_two_stacks_never_choose_a_port_at_once(book: PortBook, tmp_path: Path) -> None:
    free = book.choose("api")
    choosing = (
        "import sys; from pathlib import Path; from shanhai.local.places import PortBook;"
        "print(PortBook(Path(sys.argv[1])).choose('api', int(sys.argv[2])))"
    )
    command = [sys.executable, "-c", choosing, str(tmp_path / "other.json"), str(free)]
    chosen = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert int(chosen) != free
    assert book.choose("api") == free


def test_a_damaged_book_counts_as_empty(book: PortBook) -> None:
    book.path.write_text('{"api": 80')
    assert book.remembered("api") is None
    book.remember("api", 8000)
    assert book.remembered("api") == 8000


def test_a_listening_port_is_not_free(taken_port: int) -> None:
    assert not is_free(taken_port)


def test_running_out_of_ports_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "is_free", lambda port: False)
    with pytest.raises(Unavailable, match="no free port"):
        any_free_port(set())


def test_a_port_taken_before_the_receiver_listens_is_told(taken_port: int) -> None:
    told = rf"127\.0\.0\.1:{taken_port}.*end the program"
    with pytest.raises(Unavailable, match=told), results.receiving(taken_port):
        pytest.fail("it listens at a port that another program has")
