"""An export that is sent back unchanged changes nothing, whatever the format could not hold."""

import asyncio
import json
import random
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import shapely
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.catalogue import ENTITIES, entity_named
from shanhai.db.features.entity import Entity
from shanhai.db.identity import Grant, Identity
from shanhai.db.queries.audit import Act
from shanhai.db.seeds.load import seed_cities
from shanhai.processes.catalogue import resolution_of
from shanhai.processes.import_features.compute import compute
from shanhai.processes.import_features.contract import ImportFeaturesTask
from shanhai.processes.import_features.publish import publish
from shanhai.processes.kit.task import Publication
from shanhai.vector.formats import FILE_FORMATS
from shanhai.vocabulary import Role, Scope
from shanhai_api.kit.state import ServiceState

EDITOR = Identity("tester", frozenset({Scope.WRITE, Scope.PROJECTS, Scope.JOBS}))
LONG = "河" * 200 + "湖泊 湿地, " * 30
NESTED = '{"length_m": 1234.5678901234567, "notes": ["' + "质" * 300 + '", null, true]}'
JOB = "11111111-1111-1111-1111-111111111111"
PLAN = "banan-restoration-2021"
EXPORTED = [item for item in ENTITIES if item.editing and "create" in item.editing.verbs]
GAUSS_KRUGER = "http://www.opengis.net/def/crs/EPSG/0/4548"


def ring(chance: random.Random, west: float, south: float, size: float) -> list[Any]:
    """A ring that begins anywhere and runs either way, with all digits of a double."""
    points = [(0, 0), (1, 0), (1, 0.5), (1, 1), (0.3, 1), (0, 1)]
    placed = [
        (west + size * (x + chance.random() / 9), south + size * (y + chance.random() / 9))
        for x, y in points
    ]
    start = chance.randrange(len(placed))
    turned = [*placed[start:], *placed[:start]][:: chance.choice([1, -1])]
    return [*turned, turned[0]]


def area(number: int) -> Any:
    """Two parts, the first with two holes."""
    chance = random.Random(number)  # noqa: S311 - the same shapes every time
    west, south = 117.0 + number % 40 * 0.05, 24.0 + number // 40 * 0.05
    holes = [ring(chance, west + 0.012 * n, south + 0.012, 0.004) for n in (1, 2)]
    parts = [
        shapely.Polygon(ring(chance, west, south, 0.03)[::-1], holes[::-1]),
        shapely.Polygon(ring(chance, west + 0.035, south, 0.01)),
    ]
    return shapely.MultiPolygon(parts[:: chance.choice([1, -1])])


def shape(entity: Entity, number: int) -> Any:
    """A geometry of a kind the collection takes."""
    base = area(number)
    if entity.whole.geometry_type == "geometry-point":
        return shapely.Point(base.geoms[0].exterior.coords[0])
    lines = shapely.MultiLineString([part.exterior.coords[:-2] for part in base.geoms][::-1])
    if entity.whole.geometry_type == "geometry-multilinestring":
        return lines
    if entity.whole.geometry_type == "geometry-multipolygon":
        return base
    points = shapely.MultiPoint(base.geoms[0].exterior.coords[1:4])
    kinds = [base, base.geoms[0], lines, lines.geoms[0], points, points.geoms[0]]
    return kinds[number % len(kinds)]


REGISTERED = (
    f"""INSERT INTO outfall (code, name_zh, name_en, region_id, kind, permit, permit_from, limits)
    SELECT 'outfall-' || n, ' 排口 ', 'Outfall', r.id, 'storm_drain', E'a\\n"{LONG}', '2025-06-30',
    jsonb_build_object('cod', 1e-7 + n, 'words', '{LONG}')
    FROM region r, generate_series(1, 3) n WHERE r.code = 'xiamen'""",
    f"""INSERT INTO notice (code, name_zh, name_en, region_id, subject_collection, subject_code,
    text_zh, period_from, period_to, hearing_time, contact_office, documents, commenters, geom)
    SELECT 'notice-' || n, ' 公示 ', '=1+1', r.id, 'plans', 'plan-' || n, E'a\\n"{LONG}',
    '2026-01-01', '2026-02-28', '09:30', '局', ARRAY['a,b', '"'], 'named', NULL
    FROM region r, generate_series(1, 5) n WHERE r.code = 'xiamen'""",
    """INSERT INTO fishing_harbour (code, name_zh, name_en, region_id, grade, berths)
    SELECT 'harbour-' || n, '渔港', E'=1+1 "harbour"', r.id, 'central', n - 1
    FROM region r, generate_series(1, 7) n WHERE r.code = 'xiamen'""",
    """INSERT INTO species (code, scientific_name, sensitivity)
    VALUES ('egret', 'Egretta garzetta', 'open'), ('dolphin', 'Sousa chinensis', 'cell')""",
    f"""INSERT INTO occurrence (code, region_id, species_id, observed_from, observed_to,
    individuals, method, observer, locality, uncertainty_m, occurrence_id)
    SELECT 'met-' || n, r.id, s.id, '2024-05-01', '2024-05-02', n - 1, 'transect', '=林,某',
    E'a\n"{LONG}', 0.1 + n, 'urn:' || n FROM region r, species s, generate_series(1, 7) n
    WHERE r.code = 'xiamen' AND (s.code = 'egret') = (n % 2 = 0)""",
    """INSERT INTO reclamation (visibility, code,
           name_zh, name_en, region_id, start_on, end_on, area_ha,
    land_class_before, deposit_required, deposit_paid, evidence)
    SELECT 'public',
           'land-' || n, '临时用地', 'Land', r.id, '2025-01-31', '2026-02-28', 1234.5678 / n,
    E'a,b\n', 12345678901234.56 / n, 0, ARRAY['a,b', '"']
    FROM region r, generate_series(1, 7) n WHERE r.code = 'xiamen'""",
)
"""Rows of registers of which the seeds have none."""
HARD = (
    f"""INSERT INTO job (id, kind, requested_by, status)
    VALUES ('{JOB}', 'build-network', 'tester', 'successful')""",
    f"""UPDATE corridor SET origin = 'computed', width_m = 0.1 + 0.2, job_id = '{JOB}',
    attrs = attrs || jsonb_build_object('quality', CAST('{NESTED}' AS jsonb))""",
    """INSERT INTO corridor_node
    (code, kind, region_id, corridor_ids, score, geom, footprint, attrs, status)
    SELECT 'node-' || n, 'source', r.id,
    ARRAY(SELECT id FROM corridor ORDER BY id DESC LIMIT 3), 1234567.891011121314 / n,
    ST_PointOnSurface(c.geom), ST_Multi(ST_Buffer(ST_PointOnSurface(c.geom), 0.01)),
    '{}', 'published' FROM region r, generate_series(1, 5) n,
    LATERAL (SELECT geom FROM control_area ORDER BY id LIMIT 1) c WHERE r.code = 'xiamen'""",
    f"""INSERT INTO station (visibility, code, name_zh, name_en, kind, attrs, geom)
    SELECT 'public',
           'station-' || n, '站', 'Station', 'water_section', jsonb_build_object('description',
    E' a\\r\\nb\\u0001 ', 'annotations', jsonb_build_object('n', 1e-7 + n, 'x', '{LONG}')),
    ST_SetSRID(ST_MakePoint(118 + n / 3.0, 24 + n / 7.0), 4490) FROM generate_series(1, 3) n""",
    f"""UPDATE problem SET cause = '{LONG}', quantity = 1e-7, places = ARRAY['a,b', '"', '']
    WHERE id % 2 = 0""",
    "UPDATE problem SET cause = '', quantity = 123456789012.5 WHERE id % 2 = 1",
    f"UPDATE control_area SET legal_basis = '{LONG}' || id, delimitation = E'  a\\n '",
    """UPDATE region SET attrs = attrs || '{"adcode": 350200, "source": ""}'""",
    """UPDATE region SET attrs = attrs || '{"fields": {"DLBM": "0301", "TBMJ": 12.5}}'
    WHERE id % 3 = 0""",
    """UPDATE project SET cost = 12345678901234.56, score = 0.1, summary_zh = '=1+1',
    summary_en = E'\\'quoted\\'', attrs = attrs || '{"fund_share_percent": 33.33333333333333}'""",
    """INSERT INTO balance_entry (code, title_zh, kind, direction, amount, unit, region_id, year,
    state, accepted_on, evidence)
    SELECT 'entry-' || n, ' 湿地 ', 'wetland', 'taken', 1234567890.1234 / n, 'ha', r.id, 2026,
    CASE n % 2 WHEN 0 THEN 'proposed' ELSE 'accepted' END, '2026-01-01', ARRAY['a,b', '"']
    FROM region r, generate_series(1, 6) n WHERE r.code = 'xiamen'""",
)
"""Texts, numbers and nested values that formats cannot hold as they are."""


async def draw(session: AsyncSession) -> None:
    """Give every row a geometry but some, and texts and numbers that are hard to keep."""
    for statement in REGISTERED:
        await session.execute(text(statement))
    for entity in EXPORTED:
        if entity.geometry_column is None:
            continue
        ids = (await session.scalars(text(f"SELECT id FROM {entity.table} ORDER BY id"))).all()
        for number, row_id in enumerate(ids):
            if number % 7 == 6:
                continue
            wkb = shapely.to_wkb(shape(entity, number))
            await session.execute(
                text(f"UPDATE {entity.table} SET geom = ST_GeomFromWKB(:wkb, 4490) WHERE id = :id"),
                {"wkb": wkb, "id": row_id},
            )
    for statement in HARD:
        await session.execute(text(statement))


async def pictured(session: AsyncSession) -> dict[str, str]:
    """Every row of every table that an import could touch, history and audit included."""
    names = {entity.table for entity in ENTITIES}
    listed = await session.scalars(
        text("SELECT tablename FROM pg_tables WHERE tablename = ANY(:names)"),
        {"names": [*names, *(f"{name}_history" for name in names)]},
    )
    found = {}
    for name in sorted(listed):
        query = f"SELECT coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') FROM {name} t"
        found[name] = str(await session.scalar(text(query)))
    found["audit"] = str(await session.scalar(text("SELECT count(*) FROM audit_log")))
    return found


@pytest.fixture
async def plans(state: ServiceState) -> ServiceState:
    """Both cities with everything drawn, once for all tests of this module."""
    async with state.sessions.begin() as session:
        if await session.scalar(text("SELECT count(*) FROM region")):
            return state
        await seed_cities(session, ["xiamen", "banan"], [], act=Act("tester"))
        await draw(session)
    return state


def layers(path: Path) -> Iterator[str | None]:
    """What an import of the file must name: each shapefile of a zip with several."""
    if not zipfile.is_zipfile(path):
        return iter([None])
    with zipfile.ZipFile(path) as archive:
        stems = [name[:-4] for name in archive.namelist() if name.endswith(".shp")]
    return iter(stems)


async def sent_back(
    session: AsyncSession,
    folder: Path,
    path: Path,
    collection: str,
    *,
    sender: Identity = EDITOR,
    **inputs: Any,
) -> dict[str, Any]:
    """What an import of the file does, in this session."""
    work = folder / f"work-{uuid4()}"
    work.mkdir()
    asked = ImportFeaturesTask(
        process="import-features",
        inputs={"upload": str(uuid4()), "collection": collection, **inputs},
        upload_uri="uploads/x",
        files={"uploads/x": str(path)},
    )
    task = await resolution_of("import-features").authorised(session, asked, sender)
    assert isinstance(task, ImportFeaturesTask)
    outcome = compute(task, work, lambda percent, stage: None)
    result = await publish(session, Publication(task, outcome, {}, "tester", work))
    summary: dict[str, Any] = result["summary"]
    findings = (work / "report.json").read_text("utf-8")
    shutil.rmtree(work)
    return {**summary, "findings": findings[:2000], "told": json.loads(findings)["findings"]}


EVERY_TIME = frozenset({"csv", "gpkg", "gbk"})
"""Ways that the continuous integration tries, too: a table, a database and shapefiles."""


def cases() -> Iterator[Any]:
    for entity in EXPORTED:
        ways: list[tuple[str, str, dict[str, str]]] = [
            (name, name, {})
            for name, chosen in FILE_FORMATS.items()
            if entity.geometry is not None or not chosen.spatial
        ]
        if entity.geometry is not None:
            ways.append(("gbk", "shp", {"encoding": "GBK"}))
            ways += [(f"{name}-gk", name, {"crs": GAUSS_KRUGER}) for name in ("gpkg", "csv")]
        for way, name, options in ways:
            marks = () if way in EVERY_TIME else (pytest.mark.long,)
            yield pytest.param(entity.name, name, options, id=f"{entity.name}-{way}", marks=marks)


@pytest.mark.parametrize(("collection", "name", "options"), list(cases()))
async def test_an_unchanged_export_changes_nothing(
    plans: ServiceState,
    admin: httpx.AsyncClient,
    tmp_path: Path,
    collection: str,
    name: str,
    options: dict[str, str],
) -> None:
    entity = entity_named(collection)
    where = entity.path or f"/collections/{collection}/items"
    where = where.format(plan=PLAN)
    answer = await admin.get(where, params={"f": name, **options})
    assert answer.status_code == 200, answer.text
    path = tmp_path / "file"
    path.write_bytes(answer.content)
    crs = {"crs": "EPSG:4548" if "crs" in options else "EPSG:4490"} if name == "csv" else {}
    async with plans.sessions() as session:
        before = await pictured(session)
    for layer in layers(path):
        inputs: dict[str, Any] = {**crs, **({"layer": layer} if layer else {})}
        async with plans.sessions.begin() as session:
            told = await sent_back(session, tmp_path, path, collection, **inputs)
        assert told["verdict"] == "imported", (told["rejections"][:3], told["findings"])
        assert (told["created"], told["updated"]) == (0, 0), told
        assert told["unchanged"] == told["rows"]
    async with plans.sessions() as session:
        assert await pictured(session) == before


LEDGER = """code,title_zh,kind,direction,amount,unit,region,year
file-1,湿地,wetland,taken,1.2345,ha,xiamen,2026
file-2,湿地,wetland,given,300,m,xiamen,2026
file-3,湿地,wetland,given,NaN,ha,xiamen,2026
file-4,湿地,wetland,given,-1,ha,xiamen,2026
file-5,湿地,wetland,given,1.23456,ha,xiamen,2026
file-6,湿地,wetland,given,0,ha,xiamen,2026
file-7,湿地,wetland,given,1,ha,nowhere,2026
entry-2,湿地,wetland,taken,5,ha,xiamen,2026
"""


async def test_a_file_adds_to_a_ledger_and_edits_nothing(
    plans: ServiceState, tmp_path: Path
) -> None:
    path = tmp_path / "ledger.csv"
    path.write_text(LEDGER, "utf-8")
    kept = "SELECT amount, state FROM balance_entry WHERE code = 'entry-2'"
    async with plans.sessions.begin() as session:
        before = (await session.execute(text(kept))).one()
        told = await sent_back(
            session, tmp_path, path, "balance_entries", mode="valid_rows", checks=[]
        )
        assert (told["created"], told["updated"], told["rejected"]) == (1, 0, 7), told
        assert (await session.execute(text(kept))).one() == before
        made = "SELECT amount, state FROM balance_entry WHERE code = 'file-1'"
        assert tuple((await session.execute(text(made))).one()) == (Decimal("1.2345"), "proposed")
        # Nothing of it stays for the tests that follow.
        await session.rollback()


THEIRS = (
    "INSERT INTO document (code, owner_collection, owner_code, region_id, title_zh, kind,"
    " filename, media_type, bytes, sha256, uri, visibility,"
    " uploaded_by)"
    " SELECT 'theirs', 'projects', 'x', id, '文件', 'other', 'a.txt', 'text/plain', 1,"
    " repeat('0', 64), 'documents/a', 'region', 'them' FROM region WHERE code = 'xiamen'",
    "INSERT INTO document (code, owner_collection, owner_code, region_id, title_zh, kind,"
    " filename, media_type, bytes, sha256, uri, visibility, uploaded_by)"
    " SELECT named, owner_collection, owner_code, banan.id, title_zh, kind, filename, media_type,"
    " bytes, sha256, uri, visibility, uploaded_by FROM document,"
    " unnest(ARRAY['own', 'another']) named, region banan WHERE banan.code = 'banan'",
    "INSERT INTO title (code, name_zh, name_en, series, region_id, evidence)"
    " SELECT 'ours', '称号', 'Title', 'beautiful_bay', id, '{theirs}' FROM region"
    " WHERE code = 'banan'",
)


async def test_what_a_file_could_not_show_its_sender_stays(
    plans: ServiceState, tmp_path: Path
) -> None:
    path = tmp_path / "titles.csv"
    async with plans.sessions.begin() as session:
        for statement in THEIRS:
            await session.execute(text(statement))
        banan = await session.scalar(text("SELECT id FROM region WHERE code = 'banan'"))
        role = Grant(Role.PLANNER, frozenset({int(banan)}))
        sender = Identity("planner", EDITOR.scopes, (role,))
        for code, evidence, rejected in (
            ("ours", "[]", 0),
            ("ours", "nowhere", 1),
            ("new", "theirs", 1),
            ("new", "nowhere", 1),
        ):
            listed = evidence if evidence == "[]" else f'"[""{evidence}""]"'
            row = f"{code},称号,Title,beautiful_bay,banan,{listed}"
            path.write_text(f"code,name_zh,name_en,series,region,evidence\n{row}\n", "utf-8")
            told = await sent_back(
                session, tmp_path, path, "titles", mode="valid_rows", checks=[], sender=sender
            )
            done = (told["created"], told["updated"], told["rejected"])
            assert done == (0, 0, rejected), (code, evidence, told)
        query = text("SELECT evidence FROM title WHERE code = 'ours'")
        assert await session.scalar(query) == ["theirs"]
        for evidence, kept in (
            ('"[""own""]"', ["own", "theirs"]),
            ('"[""another"", ""own""]"', ["another", "own", "theirs"]),
            ('"[""another""]"', ["another", "theirs"]),
            ("", ["theirs"]),
        ):
            row = f"ours,称号,Title,beautiful_bay,banan,{evidence}"
            path.write_text(f"code,name_zh,name_en,series,region,evidence\n{row}\n", "utf-8")
            told = await sent_back(session, tmp_path, path, "titles", checks=[], sender=sender)
            assert told["updated"] == 1, (evidence, told)
            assert await session.scalar(query) == kept
        # Nothing of it stays for the tests that follow.
        await session.rollback()


TYPES = """
import json, sys
import pyogrio, shapely

kinds = [kind for _, kind in pyogrio.list_layers(sys.argv[1])]
shapes = shapely.from_wkb(pyogrio.raw.read(sys.argv[1])[2])
print(json.dumps({"layers": kinds, "shapes": sorted({shape.geom_type for shape in shapes})}))
"""


def types_of(path: Path) -> Any:
    """Read by a process of its own: here GDAL has the few drivers the product leaves it."""
    done = subprocess.run(
        [sys.executable, "-c", TYPES, path], capture_output=True, text=True, timeout=60, check=True
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", ["gpkg", "geojsonseq", "fgb", "shp"])
async def test_nodes_are_exported_as_points(
    plans: ServiceState, admin: httpx.AsyncClient, tmp_path: Path, name: str
) -> None:
    described = (await admin.get("/collections/corridor_nodes/schema")).json()["properties"]
    assert described["geometry"]["format"] == "geometry-point"
    assert described["footprint"]["readOnly"] is True
    answer = await admin.get("/collections/corridor_nodes/items", params={"f": name})
    path = tmp_path / f"nodes.{'zip' if name == 'shp' else name}"
    path.write_bytes(answer.content)
    types = await asyncio.to_thread(types_of, path)
    assert types == {"layers": ["Point"], "shapes": ["Point"]}


async def test_an_area_is_refused_as_a_node(plans: ServiceState, admin: httpx.AsyncClient) -> None:
    square = shapely.geometry.mapping(shapely.box(118.0, 24.4, 118.1, 24.5))
    node = {
        "type": "Feature",
        "geometry": square,
        "properties": {"code": "node-area", "kind": "source", "region": "xiamen"},
    }
    answer = await admin.post("/collections/corridor_nodes/items", json=node)
    assert answer.status_code == 400, answer.text
    assert answer.json()["errors"][0]["pointer"].startswith("/geometry")
    point = shapely.geometry.mapping(shapely.Point(118.05, 24.45))
    answer = await admin.post("/collections/corridor_nodes/items", json={**node, "geometry": point})
    assert answer.status_code == 201, answer.text
    assert (await admin.delete("/collections/corridor_nodes/items/node-area")).status_code < 300
