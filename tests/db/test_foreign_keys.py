"""Foreign keys without an index: each is named, with the reason why nothing waits for a scan of it.

Without one, PostgreSQL reads the whole table that refers when a row referred to is deleted, and so
does a statement that looks for all that refers to a row.
"""

from sqlalchemy import text

from tests.support.job_rows import open_sessions

NEVER_DELETED = "rows of the table referred to are never removed, and nothing asks by them"
SMALL = "the table has tens of rows"
QUEUE = "what waits to be looked at is taken within seconds, so the table stays small"
BARE = {
    ("account", "party_id"): NEVER_DELETED,
    ("alert_due", "agreement_id"): QUEUE,
    ("alert_due", "balance_region_id"): QUEUE,
    ("alert_due", "case_id"): QUEUE,
    ("alert_due", "duty_id"): QUEUE,
    ("alert_due", "mine_id"): QUEUE,
    ("alert_due", "plan_id"): QUEUE,
    ("alert_due", "reclamation_id"): QUEUE,
    ("alert_due", "region_id"): QUEUE,
    ("alert_notice", "event_id"): NEVER_DELETED,
    # Who deletes a property of their own waits for one look through a row for each series.
    ("datastream", "property_id"): "an administrator deletes a property now and then",
    ("observed_property", "variant_of"): SMALL,
    ("project", "state"): NEVER_DELETED,
    ("project_event", "from_state"): NEVER_DELETED,
    ("project_transition", "to_state"): SMALL,
    ("station_range", "property_id"): "as of `datastream`, of which fewer have a range",
    ("zone_adjustment", "from_class_id"): NEVER_DELETED,
    ("zone_adjustment", "to_class_id"): NEVER_DELETED,
    ("zone_scheme", "supersedes_id"): NEVER_DELETED,
}
FOUND = text(
    """SELECT con.conrelid::regclass::text, a.attname FROM pg_constraint con
         JOIN pg_attribute a ON a.attrelid = con.conrelid AND a.attnum = con.conkey[1]
        WHERE con.contype = 'f' AND con.conparentid = 0
          AND con.connamespace = 'public'::regnamespace
          AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = con.conrelid
                            AND i.indkey[0] = con.conkey[1])"""
)


async def test_foreign_keys_without_an_index_are_named(database_url: str) -> None:
    async with open_sessions(database_url) as sessions, sessions() as session:
        found = {(table, column) for table, column in await session.execute(FOUND)}
    assert found == BARE.keys()
