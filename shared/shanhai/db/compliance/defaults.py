"""The rules of the lines that hold in every city: what is generally known of national law.

Each is marked `confirm` until the bureau says that it holds. A rule that was ever there is left as
it is, changed or deleted: what a bureau decided is not undone.
"""

from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.compliance.activities import activities, read_national
from shanhai.db.queries.audit import Act
from shanhai.db.seeding.rows import Row
from shanhai.db.seeding.writing import Put, put_all
from shanhai.db.tables import ControlRule


async def put_default_rules(session: AsyncSession, act: Act) -> Put:
    """Bring in the rules that were never there."""
    rows = default_rules()
    codes = [row["code"] for row in rows]
    query = select(ControlRule.code).where(ControlRule.code.in_(codes))
    present = set((await session.scalars(query)).all())
    missing = [row for row in rows if row["code"] not in present]
    if missing:
        await put_all(session, {"control_rule": missing}, act)
    return Put(len(rows), len(missing), 0)


def default_rules() -> list[Row]:
    """The rules as rows of `control_rule`."""
    document = read_national("control_rules.json")
    return [_row(item, document) for item in document["rules"]]


def _row(item: dict[str, Any], document: dict[str, Any]) -> Row:
    name = activities().name_of(item["activity"])
    named = [item["subject"], *item.get("called", ()), item["activity"]]
    return {
        "code": ".".join(("national", *named)).replace("_", "-"),
        "scope": item.get("scope", "control_area"),
        "subject": item["subject"],
        "activity": item["activity"],
        "activity_zh": name.zh,
        "activity_en": name.en,
        "decision": item["decision"],
        "conditions": list(item.get("conditions", ())),
        "legal_basis": item["legal_basis"],
        "text_zh": item["text_zh"],
        "text_en": item["text_en"],
        "valid_from": None,
        "attrs": {
            "confirm": True,
            **({"classes": item["classes"]} if "classes" in item else {}),
            "source": document["source"],
            "source_zh": document["source_zh"],
        },
    }
