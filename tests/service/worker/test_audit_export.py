"""The worker sends the audit log to a collector: in order, whole, whatever is killed."""

import asyncio
import re
import signal
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError
from sqlalchemy import text

from shanhai.db.engine import Sessions
from shanhai.db.queries import audit_chain
from shanhai.db.queries.audit import Act, acting_from, record, reserved_entries
from shanhai.settings import AuditSettings
from shanhai.syslog import LogCollector
from shanhai_worker.context import WorkerContext
from shanhai_worker.periodic import export_portion
from tests.support.certificates import make_certificates
from tests.support.log_collector import collecting, kept_messages, members_of
from tests.support.workers import free_port

CUT_OFF = (ConnectionResetError, ssl.SSLError)
SENDS_AND_DIES = """
import asyncio, os, signal, sys
from pathlib import Path
from shanhai import syslog
from shanhai.db.queries import audit_chain
from tests.support.job_rows import open_sessions

url, port, authority = sys.argv[1:]
collector = syslog.LogCollector("127.0.0.1", int(port), authority=Path(authority))

async def send(rows):
    content = b"".join(
        syslog.framed(syslog.message(row.at, {"id": row.id}, "sent", name="audit")) for row in rows
    )
    collector.send(content)
    os.kill(os.getpid(), signal.SIGKILL)

async def work():
    async with open_sessions(url) as sessions, sessions() as session:
        await audit_chain.export_after(session, collector.name, send)

asyncio.run(work())
"""


async def begin_here(sessions: Sessions, collector: LogCollector) -> None:
    """As if all there is were sent."""
    async with sessions.begin() as session:
        await session.execute(
            text(
                "INSERT INTO audit_export (collector, seq, last_id)"
                " SELECT :name, coalesce(max(seq), 0), coalesce(max(last_id), 0) FROM audit_chain"
            ),
            {"name": collector.name},
        )


async def write(sessions: Sessions, *names: str) -> None:
    with acting_from("203.0.113.7"):
        act = Act("key:abcdefgh", "request-1")
    async with sessions.begin() as session:
        for name in names:
            record(session, act, "create", table="thing", object_id=name)


async def export_all(context: WorkerContext, collector: LogCollector) -> int:
    number = 0
    while sent := await export_portion(context, collector):
        number += sent
    return number


def objects(kept: Path) -> list[str]:
    return [members_of(line)["object"] for line in kept_messages(kept)]


def first_ones(names: list[str]) -> list[str]:
    return list(dict.fromkeys(names))


@pytest.fixture
def tls(tmp_path: Path) -> dict[str, str]:
    return make_certificates(tmp_path / "tls")


async def test_what_is_sent(
    context: WorkerContext, sessions: Sessions, tls: dict[str, str], tmp_path: Path
) -> None:
    kept, port = tmp_path / "kept", free_port()
    collector = LogCollector("127.0.0.1", port, authority=Path(tls["tls_ca"]))
    await begin_here(sessions, collector)
    await write(sessions, "a", 'q"b]\\\n<34>1 - forged 河')
    with collecting(port, kept, tls):
        assert await export_all(context, collector) == 2
    plain, hostile = kept_messages(kept)
    head = r"<110>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z \S+ shanhai - audit \[shanhai@32473 id="
    assert re.match(head, plain)
    told = members_of(plain)
    async with sessions() as session:
        query = "SELECT id, digest FROM audit_log ORDER BY id DESC LIMIT 2"
        row = (await session.execute(text(query))).all()[-1]
    assert told.pop("link").isdecimal()
    assert told == {
        "id": str(row.id),
        "actor": "key:abcdefgh",
        "action": "create",
        "table": "thing",
        "object": "a",
        "request": "request-1",
        "address": "203.0.113.7",
        "digest": row.digest.hex(),
    }
    assert plain.endswith("] \ufeffkey:abcdefgh create thing a")
    # What somebody named cannot begin a message of its own, nor end the structured data.
    assert members_of(hostile)["object"] == 'q"b]\\\ufffd<34>1 - forged 河'


async def test_a_collector_killed_and_restarted_lacks_nothing(
    context: WorkerContext, sessions: Sessions, tls: dict[str, str], tmp_path: Path
) -> None:
    kept, port = tmp_path / "kept", free_port()
    collector = LogCollector("127.0.0.1", port, authority=Path(tls["tls_ca"]), timeout_s=5)
    await begin_here(sessions, collector)
    names = [f"n{number}" for number in range(40)]
    await write(sessions, *names[:10])
    with pytest.raises(ConnectionRefusedError):
        await export_portion(context, collector)
    with collecting(port, kept, tls):
        assert await export_all(context, collector) == 10
    await write(sessions, *names[10:30])
    with collecting(port, kept, tls, stop_after=4) as process:
        sending = asyncio.create_task(export_portion(context, collector))
        while len(kept_messages(kept)) < 14:
            assert not sending.done()
            await asyncio.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        with pytest.raises(CUT_OFF):
            await sending
    await write(sessions, *names[30:])
    with collecting(port, kept, tls):
        assert await export_all(context, collector) == 30
        assert await export_all(context, collector) == 0
    assert first_ones(objects(kept)) == names
    assert len(objects(kept)) == len(names) + 4


async def test_a_worker_killed_before_it_notes_sends_once_more(
    context: WorkerContext,
    sessions: Sessions,
    database_url: str,
    tls: dict[str, str],
    tmp_path: Path,
) -> None:
    kept, port = tmp_path / "kept", free_port()
    collector = LogCollector("127.0.0.1", port, authority=Path(tls["tls_ca"]))
    await begin_here(sessions, collector)
    await write(sessions, "a", "b")
    with collecting(port, kept, tls):
        command = [sys.executable, "-c", SENDS_AND_DIES, database_url, str(port), tls["tls_ca"]]
        ended = await asyncio.to_thread(subprocess.run, command, check=False)
        assert ended.returncode == -signal.SIGKILL
        assert len(kept_messages(kept)) == 2
        assert await export_all(context, collector) == 2
    assert len({members_of(line)["id"] for line in kept_messages(kept)}) == 2


async def test_the_order_is_that_of_the_chain(
    context: WorkerContext, sessions: Sessions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Numbers that were reserved early, and committed late, come late; portions cut links."""
    monkeypatch.setattr(audit_chain, "EXPORTED", 2)
    kept, port = tmp_path / "kept", free_port()
    collector = LogCollector("127.0.0.1", port, tls=False)
    await begin_here(sessions, collector)
    insert = text(
        "INSERT INTO audit_log (id, actor, action, object_table, object_id)"
        " OVERRIDING SYSTEM VALUE VALUES (:id, 'tester', 'create', 'thing', :name)"
    )
    with collecting(port, kept):
        async with sessions.begin() as slow:
            async with reserved_entries(slow, 5) as first:
                for place in range(5):
                    await slow.execute(insert, {"id": first + place, "name": f"late{place}"})
            await write(sessions, "soon")
            assert await export_all(context, collector) == 1
        assert await export_all(context, collector) == 5
    assert objects(kept) == ["soon", "late0", "late1", "late2", "late3", "late4"]


async def test_one_worker_sends_at_a_time(
    context: WorkerContext, sessions: Sessions, tls: dict[str, str], tmp_path: Path
) -> None:
    kept, port = tmp_path / "kept", free_port()
    collector = LogCollector("127.0.0.1", port, authority=Path(tls["tls_ca"]), timeout_s=5)
    await begin_here(sessions, collector)
    await write(sessions, "a", "b")
    with collecting(port, kept, tls, stop_after=1):
        sending = asyncio.create_task(export_portion(context, collector))
        while not kept_messages(kept):
            assert not sending.done()
            await asyncio.sleep(0.02)
        assert await export_portion(context, collector) == 0
    with pytest.raises(CUT_OFF):
        await sending


@pytest.mark.parametrize("answering", [True, False])
async def test_a_collector_that_closes_without_an_answer(
    context: WorkerContext, sessions: Sessions, tls: dict[str, str], tmp_path: Path, answering: bool
) -> None:
    kept, port = tmp_path / "kept", free_port()
    authority = Path(tls["tls_ca"])
    collector = LogCollector("127.0.0.1", port, authority=authority, answering=answering)
    await begin_here(sessions, collector)
    await write(sessions, "a")
    with collecting(port, kept, tls, mute=True):
        if answering:
            with pytest.raises(ssl.SSLError, match="EOF"):
                await export_portion(context, collector)
        else:
            assert await export_all(context, collector) == 1
    assert objects(kept) == ["a"]


@pytest.mark.parametrize("hosts", ["untrusted", "another-name"])
async def test_a_collector_that_cannot_be_verified_gets_nothing(
    context: WorkerContext, sessions: Sessions, tls: dict[str, str], tmp_path: Path, hosts: str
) -> None:
    kept, port = tmp_path / "kept", free_port()
    authority = None if hosts == "untrusted" else Path(tls["tls_ca"])
    host = "127.0.0.1" if hosts == "untrusted" else "localhost"
    collector = LogCollector(host, port, authority=authority)
    await begin_here(sessions, collector)
    await write(sessions, "a")
    with collecting(port, kept, tls), pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
        await export_portion(context, collector)
    assert kept_messages(kept) == []


@pytest.mark.parametrize(
    "url",
    [
        "tcp://logs.example.org:601",
        "udp://127.0.0.1:514",
        "logs.example.org",
        "tls://",
        "tls://a/b",
    ],
)
def test_where_it_may_be_sent(url: str) -> None:
    with pytest.raises(ValidationError, match="must read tls://"):
        AuditSettings(syslog=url)
    for allowed in ("", "tls://logs.example.org", "tls://10.1.2.3:6514", "tcp://127.0.0.1:601"):
        assert AuditSettings(syslog=allowed).syslog == allowed
