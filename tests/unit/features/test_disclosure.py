"""What is public by default is said of every collection, and of every ledger beside them."""

import importlib
import pkgutil
from typing import Any

from shanhai.db import tables
from shanhai.db.base import Base
from shanhai.db.collections.catalogue import ENTITIES
from shanhai.db.collections.notices import publicity
from shanhai.vocabulary import DISCLOSURES, codes
from shanhai_api.landing import disclosure_of

SAID: dict[str, Any] = publicity()["disclosure"]
OTHERS = {one["what"]: one for one in SAID["others"]}
TOLD = {
    "alert": "alerts",
    "audit_log": "audit",
    "bulletin": "bulletins",
    "case_event": "cases",
    "compensation_event": "settlements",
    "compensation_settlement": "settlements",
    "complaint": "cases",
    "contact_detail": "contacts",
    "duty_report": "duty_reviews",
    "duty_review": "duty_reviews",
    "lead_case": "cases",
    "mine_deposit_entry": "mine_funds",
    "mine_report": "mine_reports",
    "notice_comment": "comments",
    "proposal": "proposals",
    "proposal_event": "proposals",
    "proposal_evidence": "proposals",
}
"""Tables that are no collection and hold what people may ask for, and their row of the list."""
OF_COLLECTIONS = {
    "compliance_exception": "control_areas",
    "exception_request": "control_areas",
    "fund_entry": "fund_sources",
    "evaluation_snapshot": "plan_indicators",
    "indicator_target": "plan_indicators",
    "indicator_value": "plan_indicators",
    "notice_summary": "notices",
    "observed_property": "stations",
    "plan_check": "plans",
    "plan_decision": "plans",
    "plan_project": "projects",
    "project_event": "projects",
    "project_measure": "projects",
    "project_problem": "projects",
    "project_region": "projects",
    "zone_adjustment": "zones",
    "zone_town": "zones",
}
"""Tables whose rows go with those of a collection, and are as public as these."""
MACHINERY = frozenset(
    {
        *("account", "account_role", "api_key", "idempotency_key", "spent_challenge"),
        *("account_credential", "account_security_key", "session", "sign_in_failure"),
        *("alert_due", "alert_event", "alert_notice", "alert_rule", "alert_watch", "subscription"),
        *("audit_chain", "audit_export", "audit_range", "backup_mark", "data_finding"),
        *("bulletin_template", "delivery", "webhook"),
        *("job", "job_dataset", "schedule", "schedule_run", "upload", "worker_presence"),
        *("project_state", "project_transition"),
        *("tile_change", "tile_floor", "tile_pending"),
        *("archived_series", "datastream", "historical_location", "hj212_device", "location"),
        *(
            "observation_refusal",
            "rollup_due",
            "sampling_feature",
            "sensor",
            "station_range",
            "unsampled_station",
        ),
    }
)
"""How the platform works, its settings, and the parts of observations."""


def all_tables() -> set[str]:
    for module in pkgutil.iter_modules(tables.__path__):
        importlib.import_module(f"{tables.__name__}.{module.name}")
    return set(Base.metadata.tables)


def test_collections_that_are_not_all_public_say_what_is() -> None:
    assert SAID["entities"].keys() <= {entity.name for entity in ENTITIES}
    hidden = {one.name for one in ENTITIES if disclosure_of(one) not in {"all", "published"}}
    # The words that hold by default say that it is disclosed.
    assert hidden - SAID["entities"].keys() == set()


def test_every_table_is_a_collection_or_has_its_row() -> None:
    parts = {name for name in all_tables() if name.endswith("_shape")}
    parts |= {name for name in all_tables() if name.startswith("observation")}
    collections = {entity.table for entity in ENTITIES}
    listed = collections | parts | TOLD.keys() | OF_COLLECTIONS.keys() | MACHINERY
    unknown = all_tables() - listed
    assert unknown == set(), "add a row to publicity.json, or say whose rows these go with"
    assert listed - parts == (all_tables() - parts), "of a table there is no more"
    assert set(OF_COLLECTIONS.values()) <= {entity.name for entity in ENTITIES}


def test_what_is_told_beside_collections_is_whole() -> None:
    assert OTHERS.keys() == set(TOLD.values())
    for one in OTHERS.values():
        assert one["public"] in codes(DISCLOSURES), one["what"]
        for name in ("title_zh", "title_en", "text_zh", "text_en"):
            assert one[name].strip(), (one["what"], name)
        assert isinstance(one["confirm"], bool)
