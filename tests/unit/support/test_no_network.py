import socket

import pytest


def test_a_test_without_a_mark_gets_no_network() -> None:
    with (
        socket.socket() as connection,
        pytest.raises(pytest.fail.Exception, match=r"connects to \('127.0.0.1', 9\)"),
    ):
        connection.connect(("127.0.0.1", 9))


def test_pairs_of_sockets_stay_possible() -> None:
    left, right = socket.socketpair()
    with left, right:
        left.sendall(b"x")
        assert right.recv(1) == b"x"


@pytest.mark.service
def test_a_marked_test_may_connect() -> None:
    with socket.socket() as server, socket.socket() as connection:
        server.bind(("127.0.0.1", 0))
        server.listen()
        connection.connect(server.getsockname())
