"""Let rules watch balances, settlements, mines and reclamations, as they watch duties."""

from collections.abc import Sequence

from alembic import op

revision: str = "0068"
down_revision: str | None = "0067"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KINDS = (
    "'above', 'below', 'rate', 'no_data', 'indicator_behind_target', 'red_line_lead',"
    " 'line_decline', 'duty_due'"
)
ADDED = (
    "'balance_short', 'settlement_waiting', 'mine_report_due', 'mine_fund_short', 'reclamation_due'"
)
SUBJECTS = "station_id, coalesce(plan_indicator_id, target_region_id), case_id, duty_id"
UNIQUE = "rule_id, station_id, plan_indicator_id, target_region_id, target_year, case_id, duty_id"
DUE = "plan_id, case_id, region_id, duty_id"
COLUMNS = {
    "agreement_id": "compensation_agreement",
    "mine_id": "mine",
    "reclamation_id": "reclamation",
}
OURS = ", ".join(COLUMNS)
# What a statement has changed waits to be judged, where a rule watches for it; the statement names
# the kinds of rules, the column of `alert_due` and that of the table whose rows have changed.
NOTE = """
CREATE FUNCTION note_ledger_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM alert_rule r WHERE r.kind = ANY (string_to_array(TG_ARGV[0], ','))
                AND r.enabled AND r.deleted_at IS NULL) THEN
    EXECUTE format('INSERT INTO alert_due (%I) SELECT DISTINCT changed.%I FROM changed',
                   TG_ARGV[1], TG_ARGV[2]);
  END IF;
  RETURN NULL;
END $$
"""
MINES = "mine_report_due,mine_fund_short"
WATCHED = (
    ("balance_entry", "balance_short", "balance_region_id", "region_id"),
    ("compensation_agreement", "settlement_waiting", "agreement_id", "id"),
    ("compensation_settlement", "settlement_waiting", "agreement_id", "agreement_id"),
    ("mine", MINES, "mine_id", "id"),
    ("mine_deposit_entry", MINES, "mine_id", "mine_id"),
    ("mine_report", MINES, "mine_id", "mine_id"),
    ("reclamation", "reclamation_due", "reclamation_id", "id"),
)
VERBS = ("insert", "update")


def upgrade() -> None:
    for statement in (
        "ALTER TABLE alert_rule ADD balance_kind varchar, ADD settlement_state varchar,"
        " DROP CONSTRAINT ck_alert_rule_kind,"
        f" ADD CONSTRAINT ck_alert_rule_kind CHECK (kind IN ({KINDS}, {ADDED})),"
        " ADD CONSTRAINT ck_alert_rule_balance_kind"
        " CHECK ((kind = 'balance_short') = (balance_kind IS NOT NULL)),"
        " ADD CONSTRAINT ck_alert_rule_settlement_state"
        " CHECK (settlement_state IS NULL OR kind = 'settlement_waiting')",
        *(
            f"ALTER TABLE {table} ADD {column} bigint"
            f" CONSTRAINT fk_{table}_{column} REFERENCES {of}"
            for table in ("alert", "alert_watch", "alert_due")
            for column, of in COLUMNS.items()
        ),
        "ALTER TABLE alert_due ADD balance_region_id bigint"
        " CONSTRAINT fk_alert_due_balance_region_id REFERENCES region",
        *_told(f"{SUBJECTS}, {OURS}", f"{UNIQUE}, {OURS}", f"{DUE}, balance_region_id, {OURS}"),
        *_year_of("num_nonnulls(plan_indicator_id, agreement_id, mine_id) = 1"),
        *(
            f"CREATE INDEX ix_{table}_{column} ON {table} ({column})"
            for table in ("alert", "alert_watch")
            for column in COLUMNS
        ),
        NOTE,
        *(
            f"CREATE TRIGGER note_ledger_{verb} AFTER {verb.upper()} ON {table}"
            " REFERENCING NEW TABLE AS changed FOR EACH STATEMENT"
            f" EXECUTE FUNCTION note_ledger_change('{kinds}', '{due}', '{column}')"
            for table, kinds, due, column in WATCHED
            for verb in VERBS
        ),
    ):
        op.execute(statement)


def _told(subjects: str, unique: str, due: str) -> Sequence[str]:
    """What tells one subject from another."""
    return (
        *(
            f"ALTER TABLE {table} DROP CONSTRAINT ck_{table}_subject,"
            f" ADD CONSTRAINT ck_{table}_subject CHECK (num_nonnulls({told}) = 1)"
            for table, told in (("alert", subjects), ("alert_watch", subjects), ("alert_due", due))
        ),
        "DROP INDEX uq_alert_subject_live",
        f"CREATE UNIQUE INDEX uq_alert_subject_live ON alert ({unique}) NULLS NOT DISTINCT"
        " WHERE status <> 'closed'",
        "DROP INDEX uq_alert_watch_subject",
        f"CREATE UNIQUE INDEX uq_alert_watch_subject ON alert_watch ({unique}) NULLS NOT DISTINCT",
    )


def _year_of(subject: str) -> Sequence[str]:
    """Of which subjects an alert names the year."""
    return [
        f"ALTER TABLE {table} DROP CONSTRAINT ck_{table}_target,"
        f" ADD CONSTRAINT ck_{table}_target CHECK ((plan_indicator_id IS NULL"
        f" OR target_region_id IS NOT NULL) AND (target_year IS NULL OR {subject}))"
        for table in ("alert", "alert_watch")
    ]


def downgrade() -> None:
    ours = f"rule_id IN (SELECT id FROM alert_rule WHERE kind IN ({ADDED}))"  # noqa: S608 - constants
    gone = f"IN (SELECT id FROM alert WHERE {ours})"  # noqa: S608 - constants
    for statement in (
        *(f"DROP TRIGGER note_ledger_{verb} ON {table}" for table, *_ in WATCHED for verb in VERBS),
        "DROP FUNCTION note_ledger_change",
        "DELETE FROM alert_notice n USING alert_event e"  # noqa: S608 - constants
        f" WHERE n.event_id = e.id AND e.alert_id {gone}",
        *(
            f"DELETE FROM {table} WHERE {met}"  # noqa: S608 - constants
            for table, met in (
                ("alert_event", f"alert_id {gone}"),
                ("alert", ours),
                ("alert_watch", ours),
                ("alert_due", f"num_nonnulls(balance_region_id, {OURS}) > 0"),
                ("alert_rule", f"kind IN ({ADDED})"),
            )
        ),
        *_told(SUBJECTS, UNIQUE, DUE),
        *_year_of("plan_indicator_id IS NOT NULL"),
        *(
            f"ALTER TABLE {table} {', '.join(f'DROP {column}' for column in COLUMNS)}"
            for table in ("alert", "alert_watch")
        ),
        f"ALTER TABLE alert_due DROP balance_region_id,"
        f" {', '.join(f'DROP {column}' for column in COLUMNS)}",
        "ALTER TABLE alert_rule DROP CONSTRAINT ck_alert_rule_balance_kind,"
        " DROP CONSTRAINT ck_alert_rule_settlement_state, DROP balance_kind,"
        " DROP settlement_state, DROP CONSTRAINT ck_alert_rule_kind,"
        f" ADD CONSTRAINT ck_alert_rule_kind CHECK (kind IN ({KINDS}))",
    ):
        op.execute(statement)
