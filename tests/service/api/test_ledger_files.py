"""Ledgers from tables: a good row is written, a bad one is told with row, field, value and rule."""

import csv
import io
import json
import re
import shlex
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.catalogue import entity_named
from shanhai.db.queries.audit import Act
from shanhai.db.seeds.load import seed_cities
from shanhai_api.kit.state import ServiceState
from tests.service.api.test_round_trips import sent_back
from tests.support.observation_rows import add_station
from tests.support.workbooks import table

pytestmark = [pytest.mark.db, pytest.mark.redis, pytest.mark.service]

GUIDE = Path(__file__).parents[3] / "docs" / "guide"
NAMES = {"code": "row", "name_zh": "行", "name_en": "Row"}
HERE = {"region": "xiamen"}
RULE = {"kind": "classes", "target": "III", "better": ["1000.00"], "worse": ["2000.00"]}
LEDGERS: Mapping[str, Mapping[str, Any]] = {
    "duties": {
        **NAMES,
        "plan": "xiamen-vanguard-2025",
        "start_year": 2025,
        "end_year": 2027,
        "due_on": date(2026, 6, 30),
        "lead": "xiamen.court; xiamen.audit",
    },
    "balance_entries": {
        "code": "row",
        "title_zh": "湿地",
        "kind": "wetland",
        "direction": "taken",
        "amount": 1.2345,
        "unit": "ha",
        "year": 2026,
        **HERE,
    },
    "mines": {
        **NAMES,
        **HERE,
        "kind": "legacy",
        "area_ha": 12.5,
        "minerals": "石灰岩、砂岩",
        "listed_year": 2020,
    },
    "reclamations": {
        **NAMES,
        **HERE,
        "start_on": date(2025, 1, 31),
        "end_on": date(2026, 1, 31),
        "land_class_before": "0301",
        "deposit_required": 1234.56,
    },
    "islands": {**NAMES, **HERE, "waters": "sea", "class": "uninhabited"},
    "outfalls": {
        **NAMES,
        **HERE,
        "kind": "industrial",
        "permit_from": date(2025, 1, 1),
        "lon": 118.05,
        "lat": 24.45,
    },
    "fishing_harbours": {**NAMES, **HERE, "grade": "central", "berths": 120},
    "region_links": {**NAMES, **HERE, "kind": "river"},
    "demonstration_members": {**NAMES, **HERE, "order": 9, "section": "sea"},
    "demonstration_criteria": {**NAMES, **HERE, "order": 9, "weight": 20},
    "demonstration_scores": {
        "code": "row",
        **HERE,
        "criterion": "xiamen.criterion.spread",
        "year": 2025,
        "score": 87.5,
    },
    "titles": {**NAMES, **HERE, "series": "beautiful_bay", "target_year": 2027},
    "compensation_agreements": {
        **NAMES,
        **HERE,
        "upstream": "xiamen.tongan",
        "downstream": "xiamen.xiangan",
        "basis": "section",
        "station": "xixi-border",
        "rule": json.dumps(RULE),
        "start_year": 2024,
    },
    "species": {
        "code": "row",
        "scientific_name": "Egretta eulophotes",
        "name_zh": "黄嘴白鹭",
        "protection": "first_class",
        "sensitivity": "cell",
    },
    "occurrences": {
        "code": "row",
        "species": "Egretta garzetta",
        **HERE,
        "observed_from": date(2026, 5, 1),
        "individuals": 3,
        "lon": 118.0712,
        "lat": 24.4213,
    },
    "notices": {
        **NAMES,
        **HERE,
        "subject_collection": "plans",
        "subject_code": "xiamen-vanguard-2025",
        "text_zh": "公示",
        "period_from": date(2026, 12, 1),
        "period_to": date(2026, 12, 31),
        "contact_office": "规划科",
    },
}
"""A row of each ledger, as a person types it into a sheet; days are cells with a day."""
NO_CLASS = '{"kind": "classes", "target": "VII", "better": ["1.00"]}'
WRONG: Mapping[str, Sequence[tuple[str, Any, str, str]]] = {
    "duties": [
        ("end_year", "soon", "type", "soon"),
        ("plan", "no-plan", "reference", "no-plan"),
        ("lead", "xiamen.court; nobody", "reference", "nobody"),
        ("due_on", "2026-02-30", "type", "2026-02-30"),
        ("end_year", 2024, "guard", "end_year"),
    ],
    "balance_entries": [
        ("amount", "1,5", "type", "1,5"),
        ("amount", 1.23456, "type", "1.23456"),
        ("kind", "grassland", "type", "grassland"),
        ("region", "nowhere", "reference", "nowhere"),
        ("unit", "m", "guard", "'m': must be 'ha'"),
    ],
    "mines": [
        ("area_ha", "much", "type", "much"),
        ("kind", "old", "type", "old"),
        ("project", "no-project", "reference", "no-project"),
        ("area_ha", -3, "type", "-3"),
    ],
    "reclamations": [
        ("deposit_required", "12.345", "type", "12.345"),
        ("start_on", "some day", "type", "some day"),
        ("owner", "nobody", "reference", "nobody"),
        ("land_class_before", None, "required", "required"),
    ],
    "islands": [
        ("class", "lonely", "type", "lonely"),
        ("feature", "no-feature", "reference", "no-feature"),
        ("waters", None, "required", "required"),
    ],
    "outfalls": [
        ("kind", "pipe", "type", "pipe"),
        ("lon", 218.05, "crs", "218.05"),
        ("discharger", "nobody", "reference", "nobody"),
    ],
    "fishing_harbours": [
        ("berths", 1.5, "type", "1.5"),
        ("berths", -1, "type", "-1"),
        ("region", "nowhere", "reference", "nowhere"),
    ],
    "region_links": [
        ("kind", "hill", "type", "hill"),
        ("station", "no-station", "reference", "no-station"),
    ],
    "demonstration_members": [
        ("section", "shore", "type", "shore"),
        ("order", "first", "type", "first"),
        ("place", "no-place", "reference", "no-place"),
    ],
    "demonstration_criteria": [
        ("weight", "20 %", "type", "20 %"),
        ("weight", 0, "guard", "0"),
        ("region", "nowhere", "reference", "nowhere"),
    ],
    "demonstration_scores": [
        ("score", 101, "guard", "101"),
        ("score", "good", "type", "good"),
        ("criterion", "no-criterion", "reference", "no-criterion"),
        ("year", None, "required", "required"),
    ],
    "titles": [
        ("series", "beautiful_hill", "type", "beautiful_hill"),
        ("target_year", "next", "type", "next"),
        ("plan", "no-plan", "reference", "no-plan"),
    ],
    "compensation_agreements": [
        ("rule", "{broken", "type", "{broken"),
        ("start_year", "2024年", "type", "2024年"),
        ("upstream", "nowhere", "reference", "nowhere"),
        ("downstream", "xiamen.tongan", "guard", "another than upstream"),
        ("rule", NO_CLASS, "guard", "'VII': target: is not one of I"),
    ],
    "species": [
        ("protection", "third_class", "type", "third_class"),
        ("invasive", "perhaps", "type", "perhaps"),
        ("scientific_name", None, "required", "required"),
    ],
    "occurrences": [
        ("individuals", "many", "type", "many"),
        ("species", "Egretta garzeta", "reference", "Egretta garzeta"),
        ("observed_to", "2026-04-30", "guard", "observed_to"),
        ("lat", "north", "unreadable", "geometry"),
    ],
    "notices": [
        ("period_to", "later", "type", "later"),
        ("subject_collection", "zones", "type", "zones"),
        ("contact_office", None, "required", "required"),
        ("region", "nowhere", "reference", "nowhere"),
    ],
}
"""Of each ledger: a field, a wrong value of it, the rule it breaks, and a word of what is told."""
EVERYWHERE = ("code", "two words", "code", "two words")


@pytest.fixture
async def ledger_files(state: ServiceState) -> AsyncIterator[AsyncSession]:
    """Both cities with species and a section, in a session whose work is rolled back."""
    async with state.sessions.begin() as session:
        if not await session.scalar(text("SELECT count(*) FROM region")):
            await seed_cities(session, ["xiamen", "banan"], [], act=Act("tester"))
            await session.execute(
                text(
                    "INSERT INTO species (code, scientific_name, sensitivity)"
                    " VALUES ('egret', 'Egretta garzetta', 'open'),"
                    " ('humpback-dolphin', 'Sousa chinensis', 'cell')"
                )
            )
            await add_station(session, "xixi-border", kind="water_section")
    async with state.sessions() as session:
        yield session
        await session.rollback()


def written(folder: Path, form: str, rows: Sequence[Mapping[str, Any]]) -> Path:
    """The rows as a workbook, or as a CSV file."""
    header = [*rows[0]]
    lines = [[row.get(name) for name in header] for row in rows]
    if form == "xlsx":
        return table(folder / "rows.xlsx", header, *lines)
    path = folder / "rows.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *lines])
    return path


async def sent(
    session: AsyncSession, folder: Path, path: Path, name: str, **inputs: Any
) -> dict[str, Any]:
    """What an import of the file tells."""
    asked = {"mode": "valid_rows", "visibility": "public", **inputs}
    if entity_named(name).geometry is not None:
        asked["crs"] = "EPSG:4490"
    return await sent_back(session, folder, path, name, **asked)


def cases() -> Iterator[Any]:
    for name, wrong in WRONG.items():
        for field, value, rule, word in (*wrong, EVERYWHERE):
            yield pytest.param(name, field, value, rule, word, id=f"{name}-{field}-{value}")


EXAMPLE = re.compile(r"cat > \S+\.csv <<'END'\n(.*?)END\nshanhai import (.*?)\n```", re.DOTALL)


def examples() -> dict[str, tuple[str, dict[str, str]]]:
    """The tables the guide shows, by collection, with the mapping beside them."""
    found = {}
    for page in sorted(GUIDE.glob("*.md")):
        for content, words in EXAMPLE.findall(page.read_text("utf-8")):
            given = shlex.split(words.replace("\\\n", " "))
            pairs = list(pairwise(given))
            mapping = dict(pair.split("=") for option, pair in pairs if option == "--mapping")
            [name] = [value for option, value in pairs if option == "--collection"]
            found[name] = content, mapping
    return found


def test_every_ledger_is_tried_and_has_its_table_in_the_guide() -> None:
    assert LEDGERS.keys() == WRONG.keys() == examples().keys()


@pytest.mark.parametrize("form", ["csv", "xlsx"])
@pytest.mark.parametrize("name", LEDGERS)
async def test_the_table_of_the_guide_is_imported(
    ledger_files: AsyncSession, tmp_path: Path, name: str, form: str
) -> None:
    content, mapping = examples()[name]
    rows = list(csv.DictReader(io.StringIO(content)))
    assert rows
    path = written(tmp_path, form, rows)
    told = await sent(ledger_files, tmp_path, path, name, mapping=mapping)
    assert (told["verdict"], told["created"]) == ("imported", len(rows)), told


@pytest.mark.parametrize("form", ["csv", "xlsx"])
@pytest.mark.parametrize("name", LEDGERS)
async def test_a_row_is_taken_as_it_was_typed(
    ledger_files: AsyncSession, tmp_path: Path, name: str, form: str
) -> None:
    row = LEDGERS[name]
    path = written(tmp_path, form, [row])
    told = await sent(ledger_files, tmp_path, path, name)
    assert (told["verdict"], told["created"]) == ("imported", 1), told
    entity = entity_named(name)
    found = await ledger_files.scalar(
        text(f"SELECT to_jsonb(t) FROM {entity.table} t WHERE code = 'row'")
    )
    assert found is not None
    # A transaction imports one file; this one goes on after the first.
    await ledger_files.execute(text("DISCARD TEMP"))
    again = await sent(ledger_files, tmp_path, path, name)
    assert (again["verdict"], again["unchanged"]) == ("imported", 1), again


@pytest.mark.parametrize(("name", "field", "value", "rule", "word"), list(cases()))
async def test_a_bad_row_is_told_and_the_others_are_written(
    ledger_files: AsyncSession,
    tmp_path: Path,
    name: str,
    field: str,
    value: Any,
    rule: str,
    word: str,
) -> None:
    good = LEDGERS[name]
    unique = {"scientific_name": "Egretta sacra"} if name == "species" else {}
    bad = {**good, "code": "bad", **unique, field: value}
    if name == "demonstration_scores":
        bad = {"year": 2024, **bad} if field == "year" else {**bad, "year": 2024, field: value}
    if name == "occurrences":
        bad = {**bad, "observed_from": date(2026, 6, 1), field: value}
    rows = [{**good, **dict.fromkeys(bad.keys() - good.keys())}, bad]
    told = await sent(ledger_files, tmp_path, written(tmp_path, "xlsx", rows), name)
    assert (told["created"], told["rejected"]) == (1, 1), told
    listed = told["told"]
    assert [one["row"] for one in listed] == [3], listed
    [finding] = listed
    assert finding["rule"] == rule, finding
    assert word in finding["detail"], finding
    assert finding["detail_zh"] != finding["detail"]
    if rule not in {"crs", "unreadable", "code"}:
        assert finding["member"] == field, finding
