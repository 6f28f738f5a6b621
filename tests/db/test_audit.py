"""The audit log: written at commit, tied into one chain, verified row by row."""

import asyncio
import re
import subprocess
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.engine import Sessions
from shanhai.db.migrate import upgrade
from shanhai.db.queries.audit import (
    MOST_KINDS,
    Act,
    EventTally,
    RepeatedEvent,
    acting_from,
    record,
    reserved_entries,
    write_entries,
)
from shanhai.db.queries.audit_chain import AuditBroken, Head, verify_chain
from shanhai.db.tables.access import AuditChain, AuditLog, AuditRange
from tests.support.databases import downgrade
from tests.support.job_rows import open_sessions

ACT = Act("tester", "request-1")
BEFORE_ADDRESSES = "0071"
BEFORE_SUITES = "0074"


def note(session: AsyncSession, *names: str) -> None:
    for name in names:
        record(session, ACT, "create", table="thing", object_id=name, after={"名": name})


async def write(sessions: Sessions, *names: str) -> None:
    async with sessions.begin() as session:
        note(session, *names)


async def write_reserved(session: AsyncSession, number: int, *names: str) -> None:
    """Reserve the numbers of some entries, and write those that are named."""
    query = text(
        "INSERT INTO audit_log (id, actor, action, object_table, object_id)"
        " OVERRIDING SYSTEM VALUE VALUES (:id, 'tester', 'create', 'thing', :name)"
    )
    async with reserved_entries(session, number) as first:
        for place, name in enumerate(names):
            await session.execute(query, {"id": first + place, "name": name})


async def objects(sessions: Sessions) -> list[str]:
    async with sessions() as session:
        return list(await session.scalars(select(AuditLog.object_id).order_by(AuditLog.id)))


async def head_of(sessions: Sessions, head: str | None = None) -> Head:
    async with sessions() as session:
        return await verify_chain(session, head=head)


async def tamper(sessions: Sessions, *statements: str) -> None:
    """Do as a superuser does who knows of the triggers."""
    async with sessions.begin() as session:
        await session.execute(text("SET LOCAL session_replication_role = 'replica'"))
        for statement in statements:
            await session.execute(text(statement))


class TestWriting:
    async def test_entries_of_a_transaction_are_one_link(self, fresh_sessions: Sessions) -> None:
        await write(fresh_sessions, "a", "b", "c")
        await write(fresh_sessions, "d")
        assert await objects(fresh_sessions) == ["a", "b", "c", "d"]
        async with fresh_sessions() as session:
            links = (await session.scalars(select(AuditChain).order_by(AuditChain.seq))).all()
        assert [(link.seq, link.rows) for link in links] == [(1, 3), (2, 1)]
        assert links[1].previous == links[0].hash

    async def test_nothing_is_written_of_what_did_not_happen(
        self, fresh_sessions: Sessions
    ) -> None:
        async with fresh_sessions() as session:
            note(session, "never")
            await session.rollback()
            note(session, "kept")
            async with session.begin_nested():
                note(session, "inner")
            savepoint = await session.begin_nested()
            note(session, "undone")
            async with session.begin_nested():
                note(session, "undone within")
            await savepoint.rollback()
            note(session, "last")
            await session.commit()
            note(session, "next")
            await session.commit()
        assert await objects(fresh_sessions) == ["kept", "inner", "last", "next"]

    async def test_images_are_those_of_the_moment(self, fresh_sessions: Sessions) -> None:
        image = {"a": 1}
        async with fresh_sessions.begin() as session:
            record(session, ACT, "update", table="t", object_id="x", after=image)
            image["a"] = 2
        async with fresh_sessions() as session:
            entry = (await session.scalars(select(AuditLog))).one()
        assert (entry.before, entry.after) == (None, {"a": 1})
        assert (entry.actor, entry.request_id) == ("tester", "request-1")

    async def test_entries_can_be_written_before_the_end(self, fresh_sessions: Sessions) -> None:
        async with fresh_sessions.begin() as session:
            note(session, "early")
            await write_entries(session)
            assert await session.scalar(select(func.count()).select_from(AuditLog)) == 1
        assert await objects(fresh_sessions) == ["early"]

    async def test_writers_at_the_same_time_make_one_chain(self, fresh_sessions: Sessions) -> None:
        async def writer(number: int) -> None:
            for turn in range(10):
                await write(
                    fresh_sessions, *(f"{number}.{turn}.{row}" for row in range(turn % 3 + 1))
                )

        await asyncio.gather(*(writer(number) for number in range(8)))
        head = await head_of(fresh_sessions)
        assert (head.seq, head.rows) == (80, 8 * 19)

    async def test_reserved_entries_keep_nobody_waiting(self, fresh_sessions: Sessions) -> None:
        await write(fresh_sessions, "a")
        async with fresh_sessions.begin() as session:
            note(session, "of the same transaction")
            await write_reserved(session, 3, "b", "c", "d")
            async with asyncio.timeout(8):
                await write(fresh_sessions, "e", "f")
            # The others have committed, and this transaction has not.
            assert await objects(fresh_sessions) == ["a", "e", "f"]
        async with fresh_sessions() as session:
            links = (await session.scalars(select(AuditChain).order_by(AuditChain.seq))).all()
        assert [(link.start, link.first_id, link.rows) for link in links] == [
            (0, 1, 1),
            (1, 5, 2),
            (3, 7, 1),
            (4, 2, 3),
        ]
        assert (await head_of(fresh_sessions)).rows == 7

    async def test_writers_reserve_and_write_at_the_same_time(
        self, fresh_sessions: Sessions
    ) -> None:
        async def writer(number: int) -> None:
            for turn in range(6):
                async with fresh_sessions.begin() as session:
                    names = [f"{number}.{turn}.{row}" for row in range(turn + 1)]
                    if number % 2:
                        await write_reserved(session, len(names), *names)
                    else:
                        note(session, *names)
                if turn == 3:
                    async with fresh_sessions() as session:
                        await write_reserved(session, 2, "never", "never")
                        await session.rollback()

        await asyncio.gather(*(writer(number) for number in range(6)))
        head = await head_of(fresh_sessions)
        assert (head.seq, head.rows) == (36, 6 * 21)
        async with fresh_sessions() as session:
            assert await session.scalar(select(func.count()).select_from(AuditRange)) == 0

    async def test_what_is_reserved_must_be_written(self, fresh_sessions: Sessions) -> None:
        with pytest.raises(IntegrityError, match="2 of the 3 audit rows reserved"):
            async with fresh_sessions.begin() as session:
                await write_reserved(session, 3, "a", "b")
        assert await objects(fresh_sessions) == []

    async def test_what_is_not_reserved_waits_its_turn(self, fresh_sessions: Sessions) -> None:
        async with fresh_sessions() as session:
            await session.execute(text("SET LOCAL shanhai.audit_reserved = 'on'"))
            note(session, "a")
            with pytest.raises(IntegrityError, match="not reserved"):
                await session.commit()

    async def test_a_savepoint_takes_its_reserved_entries_back(
        self, fresh_sessions: Sessions
    ) -> None:
        async with fresh_sessions.begin() as session:
            savepoint = await session.begin_nested()
            await write_reserved(session, 1, "never")
            await savepoint.rollback()
            await write_reserved(session, 1, "kept")
        assert await objects(fresh_sessions) == ["kept"]
        assert (await head_of(fresh_sessions)).rows == 1

    async def test_who_does_not_own_the_tables_can_write_and_nothing_else(
        self, fresh_sessions: Sessions
    ) -> None:
        async with fresh_sessions.begin() as session:
            for statement in (
                "CREATE ROLE audit_writer",
                "GRANT SELECT, INSERT ON audit_log, audit_chain TO audit_writer",
                "GRANT SELECT ON audit_range TO audit_writer",
                "GRANT EXECUTE ON FUNCTION audit_reserve TO audit_writer",
            ):
                await session.execute(text(statement))
        try:
            async with fresh_sessions.begin() as session:
                await session.execute(text("SET LOCAL ROLE audit_writer"))
                note(session, "a")
                await write_reserved(session, 2, "b", "c")
            assert (await head_of(fresh_sessions)).rows == 3
            for statement in (
                "ALTER TABLE audit_log DISABLE TRIGGER ALL",
                "UPDATE audit_log SET actor = 'x'",
                "DELETE FROM audit_chain",
                "INSERT INTO audit_range VALUES (1, 2)",
                "SET LOCAL session_replication_role = 'replica'",
            ):
                async with fresh_sessions() as session:
                    await session.execute(text("SET LOCAL ROLE audit_writer"))
                    with pytest.raises(Exception, match=r"owner|denied|append-only"):
                        await session.execute(text(statement))
        finally:
            async with fresh_sessions.begin() as session:
                await session.execute(text("DROP OWNED BY audit_writer"))
                await session.execute(text("DROP ROLE audit_writer"))

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE audit_chain SET rows = 1",
            "DELETE FROM audit_chain",
            "TRUNCATE audit_chain",
            "INSERT INTO audit_chain (seq, first_id, last_id, rows, previous, hash)"
            " VALUES (9, 9, 9, 1, '', '')",
        ],
    )
    async def test_chain_is_append_only(self, fresh_sessions: Sessions, statement: str) -> None:
        async with fresh_sessions() as session:
            with pytest.raises(Exception, match="append-only"):
                await session.execute(text(statement))


class TestVerifying:
    async def test_empty_and_sound(self, fresh_sessions: Sessions) -> None:
        empty = await head_of(fresh_sessions)
        assert (empty.seq, empty.rows) == (0, 0)
        await write(fresh_sessions, "a", "b")
        first = await head_of(fresh_sessions, empty.hash)
        await write(fresh_sessions, "c")
        assert (await head_of(fresh_sessions, first.hash)).rows == 3

    async def test_gaps_of_what_was_rolled_back_are_sound(self, fresh_sessions: Sessions) -> None:
        await write(fresh_sessions, "a")
        async with fresh_sessions() as session:
            note(session, "b")
            await write_entries(session)
            await session.rollback()
        await write(fresh_sessions, "c")
        assert (await head_of(fresh_sessions)).rows == 2

    async def test_more_than_a_block(
        self, fresh_sessions: Sessions, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("shanhai.db.queries.audit_chain.BLOCK", 3)
        for _ in range(5):
            await write(fresh_sessions, "a", "b")
        assert (await head_of(fresh_sessions)).rows == 10

    @pytest.mark.parametrize(
        ("statements", "said"),
        [
            (["UPDATE audit_log SET actor = 'other' WHERE id = 3"], "row 3: is not as it was"),
            (["""UPDATE audit_log SET after = '{"x": 1}' WHERE id = 2"""], "row 2: is not as"),
            (["UPDATE audit_log SET at = at + interval '1 us' WHERE id = 4"], "row 4: is not"),
            (["UPDATE audit_log SET address = '10.0.0.9' WHERE id = 3"], "row 3: is not as"),
            (["UPDATE audit_log SET address = '10.0.0.9' WHERE id = 4"], "row 4: is not as"),
            (["UPDATE audit_log SET address = NULL WHERE id = 3"], "row 3: is not as"),
            (["DELETE FROM audit_log WHERE id = 3"], "row 3: is missing"),
            (["DELETE FROM audit_log WHERE id = 4"], "row 4: is missing"),
            (
                [
                    "UPDATE audit_log SET actor = 'other' WHERE id = 3",
                    "UPDATE audit_log SET digest = audit_digest(audit_log) WHERE id = 3",
                ],
                "row 3: link 2 does not hold",
            ),
            (
                [
                    "INSERT INTO audit_log (id, actor, action, object_table, object_id, digest)"
                    " OVERRIDING SYSTEM VALUE VALUES (99, 'x', 'x', 'x', 'x', '')"
                ],
                "row 99: is in no link",
            ),
            (["UPDATE audit_chain SET start = 7 WHERE seq = 3"], "link 3 does not follow link 2"),
            (["UPDATE audit_chain SET last_id = 3 WHERE seq = 3"], "link 3 does not hold"),
            (["DELETE FROM audit_chain WHERE seq = 2"], "link 3 does not follow link 1"),
            (["UPDATE audit_chain SET previous = hash WHERE seq = 3"], "link 3 does not follow"),
        ],
    )
    async def test_first_wrong_row_is_named(
        self, fresh_sessions: Sessions, statements: list[str], said: str
    ) -> None:
        await write(fresh_sessions, "a", "b")
        with acting_from("10.0.0.1"):
            act = Act("tester")
        async with fresh_sessions.begin() as session:
            record(session, act, "create", table="thing", object_id="c")
        await write(fresh_sessions, "d")
        assert (await head_of(fresh_sessions)).rows == 4
        await tamper(fresh_sessions, *statements)
        with pytest.raises(AuditBroken, match=said) as caught:
            await head_of(fresh_sessions)
        assert re.search("[A-Za-z]", caught.value.message_zh) is None

    @pytest.mark.parametrize("number", [2, 3, 4])
    async def test_reserved_rows_are_verified(self, fresh_sessions: Sessions, number: int) -> None:
        async with fresh_sessions.begin() as session:
            await write_reserved(session, 4, "a", "b", "c", "d")
            await write(fresh_sessions, "e")
        await tamper(fresh_sessions, f"UPDATE audit_log SET object_id = 'x' WHERE id = {number}")
        with pytest.raises(AuditBroken, match=f"row {number}: is not as it was"):
            await head_of(fresh_sessions)

    async def test_end_cut_off_is_seen_by_who_kept_the_head(self, fresh_sessions: Sessions) -> None:
        await write(fresh_sessions, "a")
        await write(fresh_sessions, "b")
        kept = (await head_of(fresh_sessions)).hash
        await tamper(
            fresh_sessions,
            "DELETE FROM audit_log WHERE id = 2",
            "DELETE FROM audit_chain WHERE seq = 2",
        )
        assert (await head_of(fresh_sessions)).rows == 1
        with pytest.raises(AuditBroken, match="cut off"):
            await head_of(fresh_sessions, kept)


ROW_TEXT = text(
    """SELECT (jsonb_build_array(
                id, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), actor, action,
                object_table, object_id, before, after, request_id))::text AS content, digest
         FROM audit_log WHERE id = :id"""
)


class TestSuites:
    """The chain goes on over a change of suite, either way, and is verified as a whole."""

    @pytest.fixture
    async def changed_suites(
        self, fresh_database_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> AsyncIterator[Sessions]:
        """Two rows by SHA-256, three by SM3 of which two were reserved, and one by SHA-256."""
        for suite, names in (
            ("international", "ab"),
            ("commercial", "cde"),
            ("international", "f"),
        ):
            monkeypatch.setenv("SHANHAI_CRYPTO_SUITE", suite)
            async with open_sessions(fresh_database_url) as sessions:
                await write(sessions, names[0])
                if len(names) == 2:
                    await write(sessions, names[1])
                elif names[1:]:
                    async with sessions.begin() as session:
                        await write_reserved(session, 2, *names[1:])
        async with open_sessions(fresh_database_url) as sessions:
            yield sessions

    async def test_each_row_and_link_tells_its_hash(self, changed_suites: Sessions) -> None:
        sha, sm = "sha256", "sm3"
        async with changed_suites() as session:
            links = (await session.scalars(select(AuditChain).order_by(AuditChain.seq))).all()
            rows = (await session.scalars(select(AuditLog).order_by(AuditLog.id))).all()
            row = (await session.execute(ROW_TEXT, {"id": 3})).one()
        assert [link.algorithm for link in links] == [sha, sha, sm, sm, sha]
        assert [row.algorithm for row in rows] == [sha, sha, sm, sm, sm, sha]
        assert (await head_of(changed_suites, links[1].hash.hex())).rows == 6
        # As OpenSSL's own program hashes, which knows nothing of ours.
        assert row.digest == by_openssl(row.content.encode())
        numbers = b"".join(number.to_bytes(8, "big") for number in (3, 3, 3))
        assert links[2].hash == by_openssl(links[1].hash + numbers + row.digest)

    @pytest.mark.parametrize(
        ("statement", "said"),
        [
            ("UPDATE audit_log SET actor = 'x' WHERE id = 2", "row 2: is not as it was"),
            ("UPDATE audit_log SET actor = 'x' WHERE id = 3", "row 3: is not as it was"),
            ("UPDATE audit_log SET actor = 'x' WHERE id = 6", "row 6: is not as it was"),
            ("UPDATE audit_log SET algorithm = 'sha256' WHERE id = 3", "row 3: is not as it was"),
            ("UPDATE audit_log SET algorithm = 'md5' WHERE id = 3", "row 3: is not as it was"),
            ("UPDATE audit_chain SET algorithm = 'sha256' WHERE seq = 3", "link 3 does not hold"),
            ("UPDATE audit_chain SET algorithm = 'md5' WHERE seq = 4", "link 4 is hashed by 'md5'"),
            (
                "UPDATE audit_log SET digest = sha256('x'), algorithm = 'sha256' WHERE id = 4",
                "row 4: is not as it was",
            ),
        ],
    )
    async def test_a_change_on_either_side_is_seen(
        self, changed_suites: Sessions, statement: str, said: str
    ) -> None:
        await tamper(changed_suites, statement)
        with pytest.raises(AuditBroken, match=said):
            await head_of(changed_suites)

    async def test_nobody_says_another_hash_than_was_used(self, changed_suites: Sessions) -> None:
        said = text(
            "INSERT INTO audit_log (actor, action, object_table, object_id, algorithm)"
            " VALUES ('x', 'x', 'x', 'x', 'sm3')"
        )
        async with changed_suites.begin() as session:
            await session.execute(said)
        assert (await head_of(changed_suites)).rows == 7
        async with changed_suites() as session:
            newest = select(AuditLog.algorithm).order_by(AuditLog.id.desc()).limit(1)
            assert await session.scalar(newest) == "sha256"

    async def test_there_is_no_way_back_without_sm3(
        self, changed_suites: Sessions, fresh_database_url: str
    ) -> None:
        with pytest.raises(DBAPIError, match="hashed by SM3"):
            await asyncio.to_thread(downgrade, fresh_database_url, BEFORE_SUITES)
        assert (await head_of(changed_suites)).rows == 6

    async def test_what_was_there_is_verified_after_the_upgrade(
        self, fresh_database_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await asyncio.to_thread(downgrade, fresh_database_url, BEFORE_SUITES)
        former = text(
            "INSERT INTO audit_log (actor, action, object_table, object_id, address)"
            " VALUES ('tester', 'create', 'thing', 'a', NULL),"
            " ('tester', 'create', 'thing', 'b', '10.0.0.1')"
        )
        async with open_sessions(fresh_database_url) as sessions, sessions.begin() as session:
            await session.execute(former)
        await asyncio.to_thread(upgrade, fresh_database_url)
        monkeypatch.setenv("SHANHAI_CRYPTO_SUITE", "commercial")
        async with open_sessions(fresh_database_url) as sessions:
            await write(sessions, "c")
            assert (await head_of(sessions)).rows == 3


def by_openssl(content: bytes) -> bytes:
    command = ["openssl", "dgst", "-sm3", "-binary"]
    return subprocess.run(command, input=content, capture_output=True, check=True).stdout


class TestAddresses:
    @pytest.mark.long
    async def test_old_rows_and_new_ones_are_verified_after_the_upgrade(
        self, fresh_database_url: str
    ) -> None:
        await asyncio.to_thread(downgrade, fresh_database_url, BEFORE_ADDRESSES)
        former = text(
            "INSERT INTO audit_log (actor, action, object_table, object_id, after, request_id)"
            " VALUES ('tester', 'create', 'thing', :name, '{\"a\": 1}', 'r'),"
            " ('tester', 'create', 'thing', :name, NULL, NULL)"
        )
        async with open_sessions(fresh_database_url) as sessions:
            async with sessions.begin() as session:
                await session.execute(former, {"name": "old"})
            digests = await digests_of(sessions)
        await asyncio.to_thread(upgrade, fresh_database_url)
        async with open_sessions(fresh_database_url) as sessions:
            # A service of the release before goes on writing meanwhile.
            async with sessions.begin() as session:
                await session.execute(former, {"name": "meanwhile"})
            with acting_from("2001:db8::7"):
                await write_from_here(sessions, "new")
            assert (await digests_of(sessions))[:2] == digests
            assert (await head_of(sessions)).rows == 5
            async with sessions() as session:
                rows = await session.scalars(select(AuditLog.address).order_by(AuditLog.id))
                assert list(rows) == [None, None, None, None, "2001:db8::7"]

        # Without the column the last row could not be verified: going back is refused as a whole.
        with pytest.raises(DBAPIError, match="could not be verified"):
            await asyncio.to_thread(downgrade, fresh_database_url, BEFORE_ADDRESSES)
        # Revisions after that one are undone, each by itself.
        await asyncio.to_thread(upgrade, fresh_database_url)
        async with open_sessions(fresh_database_url) as sessions:
            assert (await head_of(sessions)).rows == 5

    async def test_a_log_without_addresses_goes_back_and_forth(
        self, fresh_database_url: str
    ) -> None:
        async with open_sessions(fresh_database_url) as sessions:
            await write(sessions, "a", "b")
            digests = await digests_of(sessions)
        await asyncio.to_thread(downgrade, fresh_database_url, BEFORE_ADDRESSES)
        await asyncio.to_thread(upgrade, fresh_database_url)
        async with open_sessions(fresh_database_url) as sessions:
            await write(sessions, "c")
            assert (await digests_of(sessions))[:2] == digests
            assert (await head_of(sessions)).rows == 3


async def digests_of(sessions: Sessions) -> list[bytes]:
    async with sessions() as session:
        return list(await session.scalars(select(AuditLog.digest).order_by(AuditLog.id)))


async def write_from_here(sessions: Sessions, name: str) -> None:
    async with sessions.begin() as session:
        record(session, Act("tester"), "create", table="thing", object_id=name)


class TestCounting:
    async def test_a_flood_makes_few_rows_and_none_is_dropped(
        self, fresh_sessions: Sessions
    ) -> None:
        tally = EventTally(fresh_sessions.begin)
        for number in range(1_000):
            tally.count(refused(f"10.0.{number // 256}.{number % 256}"))
            tally.count(refused("10.9.9.9"))
        await tally.write()
        await tally.write()
        async with fresh_sessions() as session:
            rows = (await session.scalars(select(AuditLog).order_by(AuditLog.id))).all()
        assert len(rows) == MOST_KINDS + 1
        counted = {row.address: (row.after or {})["times"] for row in rows}
        assert counted["10.9.9.9"] == 1_000
        assert sum(counted.values()) == 2_000
        assert (rows[-1].address, rows[-1].object_id) == (None, "*")
        assert (await head_of(fresh_sessions)).rows == MOST_KINDS + 1

    async def test_what_cannot_be_written_waits(
        self, fresh_sessions: Sessions, fresh_database_url: str
    ) -> None:
        tally = EventTally(fresh_sessions.begin)
        async with fresh_sessions.begin() as session:
            await session.execute(text("ALTER TABLE audit_log RENAME TO audit_away"))
        tally.count(refused("10.0.0.1"))
        await tally.write()
        tally.count(refused("10.0.0.1"))
        async with fresh_sessions.begin() as session:
            await session.execute(text("ALTER TABLE audit_away RENAME TO audit_log"))
        async with tally.writing_down():
            tally.count(refused("10.0.0.2"))
        async with fresh_sessions() as session:
            rows = (await session.scalars(select(AuditLog).order_by(AuditLog.address))).all()
        assert [(row.after or {})["times"] for row in rows] == [2, 1]

    async def test_what_is_told_hourly_is_told_once_by_all_processes(
        self, fresh_sessions: Sessions
    ) -> None:
        read = RepeatedEvent("key:abcdefgh", "read", "dataset", "datasets", address="10.0.0.1")
        for tally in (EventTally(fresh_sessions.begin), EventTally(fresh_sessions.begin)):
            for _ in range(3):
                tally.tell_hourly(read)
                await tally.write()
        assert await objects(fresh_sessions) == ["datasets"]


def refused(address: str) -> RepeatedEvent:
    return RepeatedEvent("anonymous", "refuse-sign-in", "credential", "-", "unknown key", address)
