"""Messages of syslog (RFC 5424), and sending them so that it is known whether they were taken.

Syslog has no answer to a message. What tells that a collector has read all is the end of the
connection: it is closed in order once everything was sent, and the collector closes its side only
after it has read to that end. A collector that dies before resets the connection instead, or what
was sent is never acknowledged.
"""

import fcntl
import re
import socket
import ssl
import struct
import termios
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

LOG_AUDIT = 13
"""Facility of messages about the audit log (RFC 5424, table 1)."""
WARNING, INFORMATIONAL = 4, 6
OURS = "shanhai@32473"
"""Names the structured data; 32473 stands for whoever has no enterprise number (RFC 5612)."""
NOT_PRINTED = re.compile(r"[^!-~]")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
ESCAPED = re.compile(r'(["\\\]])')
BOM = b"\xef\xbb\xbf"
WAIT_S = 0.01


@dataclass(frozen=True, slots=True)
class LogCollector:
    """Where messages go.

    Attributes:
        tls: Whether the way is TLS, whose certificate is verified.
        authority: File with the authorities it is verified by; None: the system's.
        certificate: File with a certificate and key of our own to show; None: none.
        answering: Whether it answers the alert that closes a connection, as RFC 5425 demands: then
            nobody on the way can pretend that it has read all. Else the end of the TCP connection
            is believed, as without TLS.
        timeout_s: Seconds until each step must be done.
    """

    host: str
    port: int
    tls: bool = True
    authority: Path | None = None
    certificate: Path | None = None
    answering: bool = True
    timeout_s: float = 10.0

    @classmethod
    def named(
        cls,
        url: str,
        *,
        authority: Path | None = None,
        certificate: Path | None = None,
        answering: bool = True,
    ) -> "LogCollector":
        """The collector of a checked address, `tls://host:port` or `tcp://host:port`."""
        parts = urlsplit(url)
        tls = parts.scheme == "tls"
        usual = 6514 if tls else 601
        return cls(
            parts.hostname or "", parts.port or usual, tls, authority, certificate, answering
        )

    @property
    def name(self) -> str:
        """What it is remembered by."""
        return f"{self.host}:{self.port}"

    def send(self, content: bytes) -> None:
        """Send what is framed, and return when the collector has read it to its end.

        Raises:
            OSError: it has not, as far as can be known; some of it may have been.
        """
        with socket.create_connection((self.host, self.port), self.timeout_s) as plain:
            if not self.tls:
                plain.sendall(content)
                plain.shutdown(socket.SHUT_WR)
                while plain.recv(1024):
                    pass
                self._demand_acknowledged(plain)
                return
            with self._context().wrap_socket(plain, server_hostname=self.host) as secured:
                secured.sendall(content)
                secured.unwrap()
                if not self.answering:
                    self._demand_acknowledged(secured)

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.authority)
        if self.answering:
            # Else Python takes the end of the connection for that alert.
            context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.certificate is not None:
            context.load_cert_chain(self.certificate)
        return context

    def _demand_acknowledged(self, connection: socket.socket) -> None:
        """The other side may have closed before all arrived: then its machine resets instead."""
        until = time.monotonic() + self.timeout_s
        while time.monotonic() < until:
            fault = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if fault:
                raise OSError(fault, "the collector has closed before it had all")
            unread = struct.unpack("i", fcntl.ioctl(connection, termios.TIOCOUTQ, b"\0\0\0\0"))[0]
            if unread == 0:
                return
            time.sleep(WAIT_S)
        raise TimeoutError("the collector does not acknowledge what was sent")


def message(
    at: datetime,
    data: Mapping[str, object],
    text: str,
    *,
    name: str,
    severity: int = INFORMATIONAL,
    host: str | None = None,
) -> bytes:
    """A message of the audit log, without its frame.

    Args:
        at: When it happened.
        data: Structured data; what is None is left out.
        text: What a person reads.
        name: Kind of message, as MSGID.
        severity: By RFC 5424.
        host: This machine; None asks for its name.
    """
    moment = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    machine = _header(host or socket.gethostname(), 255)
    members = "".join(
        f' {key}="{ESCAPED.sub(_BEHIND_BACKSLASH, _plain(str(value)))}"'
        for key, value in data.items()
        if value is not None
    )
    head = f"<{LOG_AUDIT * 8 + severity}>1 {moment} {machine} shanhai - {_header(name, 32)}"
    return f"{head} [{OURS}{members}] ".encode() + BOM + _plain(text).encode()


_BEHIND_BACKSLASH = r"\\\1"


def framed(content: bytes) -> bytes:
    """A message with its number of octets before it (RFC 5425, 4.3)."""
    return b"%d %s" % (len(content), content)


def _header(text: str, longest: int) -> str:
    return NOT_PRINTED.sub("_", text)[:longest] or "-"


def _plain(text: str) -> str:
    """A text without control characters, which could begin a line of somebody's own."""
    return CONTROL.sub("�", text).encode(errors="replace").decode()
