"""The walk of masked places: no way out of the API tells where in its cell a sensitive species is.

Every path of the definition that can be read is asked twice, with the exact place in two corners of
the same cell: the answers must be the same, and hold the place in no form. A new path is asked by
itself; one with a parameter that is not known here fails until it is told how to be asked.
"""

import io
import re
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any

import httpx
import orjson
import pyarrow.parquet
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.catalogue import ENTITIES
from shanhai.db.identity import RoleGiven
from shanhai.db.queries.audit import write_entries
from shanhai.db.queries.keys import create_key
from shanhai.vector.formats import FILE_FORMATS
from shanhai.vocabulary import ROLE_SCOPES, Role, Scope
from shanhai_api.kit.state import ServiceState
from tests.service.api.declared import served_paths
from tests.support.job_rows import add_region
from tests.support.plan_features import feature, point

pytestmark = [pytest.mark.db, pytest.mark.redis, pytest.mark.service, pytest.mark.long]

CORNERS = ((118.1123457, 24.5123459), (118.1876541, 24.5876543))
"""Two places in the cell whose south-western corner is 118.1, 24.5."""
OPEN = (118.05, 24.45)
"""Where a species is whose place everybody may know."""
AREAS = {"corner": (118.11, 24.51, 0.01), "around": (118.0, 24.4, 0.3)}
"""Protected areas: one with the first corner in it, and one with the whole cell and the open place:
west and south, and degrees along each side."""
CELL = [[118.1, 24.5], [118.1, 24.6], [118.2, 24.6], [118.2, 24.5], [118.1, 24.5]]
ITEMS = "/collections/occurrences/items"
MAY_NOT = ("", "viewer@here", "planner@elsewhere", "owner@here", "auditor@here", "reading key")
MAY = ("planner@here", "analyst@here", "supervisor@None", "admin@None", "writing key")
PARAMETERS: Mapping[str, str] = {
    "collection": "occurrences",
    **dict.fromkeys(("code", "document"), "met-dolphin"),
    **dict.fromkeys(("plan", "project", "indicator", "evaluation", "measure", "mine"), "none"),
    **dict.fromkeys(("proposal", "station", "property", "bulletin", "file", "template"), "none"),
    **dict.fromkeys(("rule", "exception", "process", "schedule", "upload", "account"), "none"),
    **dict.fromkeys(
        ("job", "key", "output", "webhook", "delivery", "path", "case", "notice"), "none"
    ),
    **dict.fromkeys(("comment", "agreement", "screen", "exception_request"), "none"),
    **dict.fromkeys(("year", "number", "seq", "alert"), "1"),
    "region": "here",
}
"""What the parameters of paths are filled with; what has no occurrences is asked of nothing."""
PARAMETER = re.compile(r"{([^}]+)}")
ENDLESS = {"/alerts/events"}
"""Streams, whose end nobody can wait for."""
LIVELY = ("/health", "/metrics")
"""What tells of the service itself, and differs with every request."""
ASKED: Mapping[str, Mapping[str, str]] = {"/identify": {"lon": "118.15", "lat": "24.55"}}
"""Parameters that a path cannot be asked without."""
TIMES = re.compile(
    rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[^\"',<]*|\"uptime[^,]*,|\"seen_s\":[^,}]*|[0-9a-f]{16,}"
)
"""What differs between two answers whatever they are about."""


async def key_of(state: ServiceState, name: str) -> dict[str, str]:
    """The headers of a caller."""
    if not name:
        return {}
    role, _, region = name.partition("@")
    given, scopes = None, [Scope.READ]
    if region:
        given = [RoleGiven(Role(role), None if region == "None" else region)]
        scopes = sorted(ROLE_SCOPES[Role(role)])
    elif name == "writing key":
        scopes = [Scope.READ, Scope.WRITE]
    elif name == "projects key":
        scopes = [Scope.READ, Scope.PROJECTS]
    async with state.sessions.begin() as session:
        key = await create_key(session, name=name, scopes=scopes, roles=given)
    return {"Authorization": f"Bearer {key}"}


@pytest.fixture
async def masked_keys(state: ServiceState, session: AsyncSession) -> dict[str, dict[str, str]]:
    """Two regions, and the headers of each caller."""
    for code in ("here", "elsewhere"):
        await add_region(session, code, box=(118.0, 24.4, 118.3, 24.7))
    await session.commit()
    return {name: await key_of(state, name) for name in (*MAY_NOT, *MAY, "projects key")}


def found(species: str, code: str, place: tuple[float, float], **more: Any) -> dict[str, Any]:
    """A body of an occurrence."""
    return feature(
        point(*place),
        code=code,
        species=species,
        region="here",
        observed_from="2024-05-01",
        observer="林某",
        locality=f"某滩涂 {place[0]}",
        fields={"lon": str(place[0])},
        uncertainty_m=15,
        **more,
    )


@pytest.fixture
async def masked_world(
    masked_keys: dict[str, dict[str, str]], anonymous: httpx.AsyncClient, session: AsyncSession
) -> dict[str, dict[str, str]]:
    """A sensitive species and one whose occurrences are hidden, both in the first corner."""
    for area, (west, south, side) in AREAS.items():
        await session.execute(
            text(
                "INSERT INTO control_area (code, region_id, name_zh, name_en, kind, status,"
                " visibility, geom) SELECT :code, id, :code, :code, 'protected_area', 'published',"
                " 'public', ST_Multi(ST_MakeEnvelope(:west, :south, :east, :north, 4490))"
                " FROM region WHERE code = 'here'"
            ),
            {
                "code": area,
                "west": west,
                "south": south,
                "east": west + side,
                "north": south + side,
            },
        )
    await session.commit()
    admin, planner = masked_keys["admin@None"], masked_keys["planner@here"]
    for code, name, how in (
        ("dolphin", "Sousa chinensis", "cell"),
        ("orchid", "Cymbidium goeringii", "hidden"),
        ("egret", "Egretta garzetta", "open"),
    ):
        body = {"code": code, "scientific_name": name, "name_zh": "名", "sensitivity": how}
        made = await anonymous.post("/species", json=body, headers=admin)
        assert made.status_code == 201, made.text
        place = OPEN if how == "open" else CORNERS[0]
        body = found(code, f"met-{code}", place, occurrence_id=f"urn:{code}")
        made = await anonymous.post(ITEMS, json=body, headers=planner)
        assert made.status_code == 201, made.text
        verified = {"type": "Feature", "properties": {"state": "verified"}}
        said = await anonymous.patch(
            f"{ITEMS}/met-{code}", json=verified, headers=masked_keys["supervisor@None"]
        )
        assert said.status_code == 200, said.text
    return masked_keys


async def move(session: AsyncSession, corner: int) -> None:
    """Put what is masked elsewhere in the cell, and nothing else: as if it had been there ever."""
    await session.execute(text("ALTER TABLE occurrence DISABLE TRIGGER keep_history"))
    for table in ("occurrence", "occurrence_history"):
        await session.execute(
            text(
                f"UPDATE {table} SET geom = ST_Point(:lon, :lat, 4490), shown ="
                " place_shown(sensitivity, ST_Point(:lon, :lat, 4490)), locality = :locality,"
                " uncertainty_m = 15 + :corner WHERE sensitivity <> 'open'"
            ),
            {
                "lon": CORNERS[corner][0],
                "lat": CORNERS[corner][1],
                "locality": f"滩涂 {corner}",
                "corner": corner,
            },
        )
    await session.execute(text("ALTER TABLE occurrence ENABLE TRIGGER keep_history"))
    await session.execute(text("ANALYZE occurrence"))
    await session.commit()


def questions(paths: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Every path that can be read, and every way to ask for occurrences."""
    for path, operations in paths.items():
        if "get" not in operations or path in ENDLESS:
            continue
        filled = PARAMETER.sub(lambda found: PARAMETERS.get(found[1], "none"), path)
        yield filled, ASKED.get(path, {})
    for code in ("met-dolphin", "met-orchid"):
        yield f"{ITEMS}/{code}", {}
        yield f"{ITEMS}/{code}", {"as_of": "2100-01-01", "f": "html"}
        yield f"{ITEMS}/{code}", {"crs": "http://www.opengis.net/def/crs/EPSG/0/4548"}
        yield f"{ITEMS}/{code}/versions", {}
        yield f"{ITEMS}/{code}/compare", {"from": "2099-01-01", "to": "2100-01-01"}
    for name in (*FILE_FORMATS, "html", "geojson"):
        yield ITEMS, {"f": name}
    for asked in list_questions():
        yield ITEMS, asked
    # Asked is somewhat beside the places: the answers tell what was asked.
    for lon, lat in ((118.112, 24.512), (118.188, 24.588), (118.15, 24.55)):
        for tolerance in ("0", "100", "2000"):
            at = {"lon": str(lon), "lat": str(lat), "tolerance_m": tolerance}
            yield "/identify", at
    yield "/identify", {"lon": "118.15", "lat": "24.55", "as_of": "2100-01-01"}
    for counted in ({"f": "html"}, {"f": "csv"}, {"year": "2024"}, {"area": "corner"}):
        yield "/regions/here/species", counted
    yield "/audit", {"table": "occurrence", "limit": "100"}
    yield "/audit", {"table": "occurrence", "f": "csv"}


def list_questions() -> Iterator[dict[str, str]]:
    """Questions that halve the cell, by box, filter, order and number."""
    yield from ({"as_of": "2100-01-01"}, {"numberMatched": "estimate"}, {"q": "滩涂"})
    halves = ((118.1, 118.15), (118.15, 118.2)), ((24.5, 24.55), (24.55, 24.6))
    for (west, east), (south, north) in product(*halves):
        box = f"{west},{south},{east},{north}"
        yield {"bbox": box}
        yield {"bbox": box, "as_of": "2100-01-01"}
        for name in ("s_intersects", "s_within", "s_disjoint", "s_contains", "s_equals"):
            yield {"filter": f"{name}(geometry, BBOX({west},{south},{east},{north}))"}
        yield {
            "filter": f"S_INTERSECTS(geometry, POLYGON(({west} {south}, {east} {south},"
            f" {east} {north}, {west} {south})))"
        }
    for name in ("region", "locality", "uncertainty_m", "occurrence_id", "observer", "evidence"):
        yield {"filter": f"{name} IS NULL"}
        yield {"sortby": name}
        yield {"sortby": f"-{name}"}
    yield {"filter": "uncertainty_m < 16"}
    yield {"filter": "locality LIKE '%0%'"}
    yield {"region": "here"}
    yield {"observer": "林某"}


def forms_of(content: bytes) -> Iterator[bytes]:
    """What an answer holds, unpacked."""
    if content.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                yield from forms_of(archive.read(name))
    elif content.startswith(b"PAR1"):
        table = pyarrow.parquet.read_table(io.BytesIO(content))
        yield repr(table.to_pylist()).encode()
        yield from (
            value
            for name in table.column_names
            for value in table[name].to_pylist()
            if isinstance(value, bytes)
        )
    else:
        yield content


def tells(content: bytes) -> list[str]:
    """The exact places an answer holds: as digits, or as numbers of eight bytes."""
    told = []
    for form in forms_of(content):
        for number in {number for corner in CORNERS for number in corner}:
            signs = [str(number)[:8].encode(), struct.pack("<d", number), struct.pack(">d", number)]
            told += [f"{number} as {sign!r}" for sign in signs if sign in form]
    return told


def as_compared(answer: httpx.Response) -> tuple[int, bytes]:
    """What must be the same of two answers; files have times of their own in them."""
    if answer.request.url.path == "/changes" and answer.status_code == 200:
        # The place after the last change moves on with every entry of the log.
        return 200, orjson.dumps(answer.json()["changes"])
    packed = answer.content[:4] in {b"PK\x03\x04", b"PAR1", b"SQLi"}
    body = str(len(list(forms_of(answer.content)))).encode() if packed else answer.content
    return answer.status_code, TIMES.sub(b"", body)


async def walk(
    client: httpx.AsyncClient, headers: dict[str, str], paths: Mapping[str, Any]
) -> dict[str, httpx.Response]:
    """The answers to all questions."""
    return {
        f"{path}?{httpx.QueryParams(asked)}": await client.get(path, params=asked, headers=headers)
        for path, asked in questions(paths)
    }


@pytest.fixture
def log_written(state: ServiceState) -> Callable[[], Any]:
    """Writes what waits for the audit log."""

    async def write() -> None:
        async with state.sessions.begin() as session:
            await write_entries(session)

    return write


def test_every_parameter_of_a_path_is_known() -> None:
    """What is asked of nothing by a parameter nobody looked at would prove nothing."""
    named = {
        name
        for path, operations in served_paths().items()
        if "get" in operations
        for name in PARAMETER.findall(path)
    }
    assert sorted(named - PARAMETERS.keys()) == []


def test_every_masked_entity_is_walked() -> None:
    assert {entity.name for entity in ENTITIES if entity.masking is not None} == {"occurrences"}


@pytest.mark.parametrize("caller", MAY_NOT)
@pytest.mark.timeout(300)
async def test_no_way_out_tells_the_place(
    caller: str,
    masked_world: dict[str, dict[str, str]],
    anonymous: httpx.AsyncClient,
    session: AsyncSession,
    log_written: Callable[[], Any],
) -> None:
    await log_written()
    paths = served_paths()
    answers = []
    for corner in (0, 1):
        await move(session, corner)
        answers.append(await walk(anonymous, masked_world[caller], paths))
    leaks = [
        f"{question}: {told}"
        for question, answer in answers[0].items()
        if (told := tells(answer.content))
    ]
    assert leaks == []
    changed = [
        question
        for question, answer in answers[0].items()
        if not question.startswith(LIVELY)
        and as_compared(answer) != as_compared(answers[1][question])
    ]
    assert changed == []
    listed = answers[0][f"{ITEMS}?"].json()["features"]
    (dolphin,) = [one for one in listed if one["id"] == "met-dolphin"]
    assert sorted(dolphin["geometry"]["coordinates"][0]) == sorted(CELL)


@pytest.mark.parametrize("caller", MAY)
async def test_those_who_may_find_the_exact_place(
    caller: str, masked_world: dict[str, dict[str, str]], anonymous: httpx.AsyncClient
) -> None:
    headers, (lon, lat) = masked_world[caller], CORNERS[0]
    for code in ("met-dolphin", "met-orchid"):
        item = (await anonymous.get(f"{ITEMS}/{code}", headers=headers)).json()
        assert item["geometry"] == {"type": "Point", "coordinates": [lon, lat]}
        told = item["properties"]
        assert (told["place"], told["region"], told["observer"]) == ("exact", "here", "林某")
        assert told["uncertainty_m"] == 15
    near = {"bbox": f"{lon - 0.001},{lat - 0.001},{lon + 0.001},{lat + 0.001}"}
    far = {"bbox": "118.18,24.58,118.19,24.59"}
    for asked, wanted in ((near, {"met-dolphin", "met-orchid"}), (far, set())):
        answer = (await anonymous.get(ITEMS, params=asked, headers=headers)).json()
        assert {one["id"] for one in answer["features"]} == wanted
    at = {"lon": str(lon), "lat": str(lat), "collections": "occurrences"}
    answer = (await anonymous.get("/identify", params=at, headers=headers)).json()
    assert {one["id"] for one in answer["features"]} == {"met-dolphin", "met-orchid"}
    exported = await anonymous.get(ITEMS, params={"f": "geojsonseq"}, headers=headers)
    assert str(lon) in exported.text


@pytest.mark.parametrize("caller", MAY_NOT)
async def test_others_read_the_cell_or_nothing(
    caller: str, masked_world: dict[str, dict[str, str]], anonymous: httpx.AsyncClient
) -> None:
    headers = masked_world[caller]
    shown = await anonymous.get(f"{ITEMS}/met-dolphin", headers=headers)
    item = shown.json()
    assert item["geometry"]["type"] == "Polygon"
    told = item["properties"]
    assert (told["place"], told["cell"]) == ("cell", "118.1,24.5")
    # Half the diagonal of a cell that is 11.08 km high and 10.12 km wide.
    assert 7_480 < told["uncertainty_m"] < 7_520
    for name in ("region", "locality", "occurrence_id", "observer", "judged_by", "fields"):
        assert told[name] is None, name
    assert (await anonymous.get(f"{ITEMS}/met-orchid", headers=headers)).status_code == 404
    egret = (await anonymous.get(f"{ITEMS}/met-egret", headers=headers)).json()
    assert egret["geometry"]["coordinates"] == list(OPEN)
    assert egret["properties"]["observer"] is None, "who observed it is nobody's business"
    exact = await anonymous.get(f"{ITEMS}/met-dolphin", headers=masked_world["planner@here"])
    assert exact.headers["etag"] != shown.headers["etag"]
    again = {**masked_world["planner@here"], "If-None-Match": shown.headers["etag"]}
    assert (await anonymous.get(f"{ITEMS}/met-dolphin", headers=again)).status_code == 200
    if caller:
        assert "authorization" in shown.headers["vary"].lower()
        assert "private" in shown.headers["cache-control"]


@pytest.mark.parametrize("caller", [*MAY, *MAY_NOT])
async def test_species_of_small_areas_are_counted_for_who_may_know_the_place(
    caller: str,
    masked_world: dict[str, dict[str, str]],
    anonymous: httpx.AsyncClient,
    session: AsyncSession,
) -> None:
    knows, told = caller in MAY, []
    for corner in (0, 1):
        await move(session, corner)
        answer = await anonymous.get("/regions/here/species", headers=masked_world[caller])
        counts = answer.json()
        assert counts["complete"] is (knows and not caller.endswith("@here"))
        areas = {one["area"]: one for one in counts["areas"]}
        told.append((areas["corner"]["species"], areas["around"]["species"]))
        assert counts["total"]["species"] == areas["around"]["species"]
        assert [one["year"] for one in areas["around"]["years"]] == [2024]
    # The dolphin and the orchid are in the corner, or not; the egret is in the large area alone.
    assert told == ([(2, 3), (0, 3)] if knows else [(0, 1), (0, 1)])


async def test_what_is_shown_does_not_take_the_place_of_what_is_kept(
    masked_world: dict[str, dict[str, str]], anonymous: httpx.AsyncClient
) -> None:
    path = f"{ITEMS}/met-dolphin"
    # A key without roles that may write what belongs to projects, and reads the cell.
    writer = masked_world["projects key"]
    body = (await anonymous.get(path, headers=writer)).json()
    assert body["geometry"]["type"] == "Polygon"
    given = {"code": "met-dolphin", "species": "dolphin", "region": "here"}
    given["observed_from"] = "2024-05-01"
    whole = {"type": "Feature", "geometry": point(118.15, 24.55), "properties": given}
    part = {"type": "Feature", "properties": {"individuals": 2}}
    for refused in (
        await anonymous.put(path, json=whole, headers=writer),
        await anonymous.patch(path, json=part, headers=writer),
        await anonymous.delete(path, headers=writer),
    ):
        assert refused.status_code == 403, refused.text
        assert "exact place" in refused.json()["detail"]
    sent_back = await anonymous.put(path, json=body, headers=writer)
    assert sent_back.status_code == 400, sent_back.text
    # Who may write it does not write a cell either.
    body["properties"] = given
    cell = await anonymous.put(path, json=body, headers=masked_world["planner@here"])
    assert cell.status_code == 400
    kept = (await anonymous.get(path, headers=masked_world["planner@here"])).json()
    assert kept["geometry"]["coordinates"] == list(CORNERS[0])


async def test_a_species_that_becomes_sensitive_is_masked_with_its_past(
    masked_world: dict[str, dict[str, str]], anonymous: httpx.AsyncClient, session: AsyncSession
) -> None:
    moved = {"type": "Feature", "geometry": point(118.06, 24.46), "properties": {}}
    path, planner = f"{ITEMS}/met-egret", masked_world["planner@here"]
    assert (await anonymous.patch(path, json=moved, headers=planner)).status_code == 200
    admin = masked_world["admin@None"]
    said = await anonymous.patch("/species/egret", json={"sensitivity": "cell"}, headers=admin)
    assert said.status_code == 200, said.text
    query = text(
        "SELECT count(*), count(*) FILTER (WHERE ST_Area(shown) > 0.0099 AND sensitivity = 'cell')"
        " FROM (SELECT code, shown, sensitivity FROM occurrence UNION ALL"
        " SELECT code, shown, sensitivity FROM occurrence_history) o WHERE code = 'met-egret'"
    )
    there, hidden = (await session.execute(query)).one()
    assert there == hidden > 2
    assert (await anonymous.get(path)).json()["geometry"]["type"] == "Polygon"
    said = await anonymous.patch("/species/egret", json={"sensitivity": "open"}, headers=admin)
    assert (await anonymous.get(path)).json()["geometry"]["type"] == "Point"


async def test_a_synonym_is_as_sensitive_as_the_accepted_name(
    masked_world: dict[str, dict[str, str]], anonymous: httpx.AsyncClient
) -> None:
    admin, planner = masked_world["admin@None"], masked_world["planner@here"]
    synonym = {"code": "other", "scientific_name": "Delphinus sinensis", "sensitivity": "open"}
    made = await anonymous.post("/species", json={**synonym, "accepted": "dolphin"}, headers=admin)
    assert made.status_code == 201, made.text
    body = found("Delphinus sinensis", "met-other", CORNERS[0])
    made = await anonymous.post(ITEMS, json=body, headers=planner)
    assert made.status_code == 201, made.text
    assert made.json()["properties"]["species"] == "other"
    shown = await anonymous.get(f"{ITEMS}/met-other", headers=masked_world["viewer@here"])
    assert shown.json()["geometry"]["type"] == "Polygon"
    third = {"code": "third", "scientific_name": "Sousa borneensis", "accepted": "other"}
    refused = await anonymous.post("/species", json=third, headers=admin)
    assert refused.status_code == 409
    assert "synonym" in refused.text


async def test_unknown_names_are_refused_with_the_nearest(
    masked_world: dict[str, dict[str, str]], anonymous: httpx.AsyncClient
) -> None:
    body = found("Sousa chinensiss", "met-x", CORNERS[0])
    refused = await anonymous.post(ITEMS, json=body, headers=masked_world["planner@here"])
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["pointer"] == "/properties/species"
    assert "Sousa chinensis" in refused.json()["detail"]
    later = found("egret", "met-x", OPEN) | {}
    later["properties"]["observed_from"] = "2999-01-01"
    refused = await anonymous.post(ITEMS, json=later, headers=masked_world["planner@here"])
    assert refused.status_code == 400
    assert "/properties/observed_from: 2999-01-01 must not lie after today" in refused.text
    later["properties"] |= {"observed_from": "2020-01-01", "observed_to": "2999-01-01"}
    refused = await anonymous.post(ITEMS, json=later, headers=masked_world["planner@here"])
    assert refused.json()["errors"][0]["pointer"] == "/properties/observed_to"


async def test_a_name_of_several_species_is_refused_with_their_codes(
    masked_world: dict[str, dict[str, str]], anonymous: httpx.AsyncClient
) -> None:
    admin, planner = masked_world["admin@None"], masked_world["planner@here"]
    refused = await anonymous.post(ITEMS, json=found("名", "met-x", OPEN), headers=planner)
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["pointer"] == "/properties/species"
    assert "'dolphin', 'egret'" in refused.json()["detail"]
    again = {"code": "again", "scientific_name": "sousa chinensis", "name_zh": "豚"}
    assert (await anonymous.post("/species", json=again, headers=admin)).status_code == 201
    for name, code in (("sousa chinensis", "again"), ("Sousa chinensis", "dolphin"), ("豚", None)):
        body = found(name, f"met-{code}-again", CORNERS[0])
        made = await anonymous.post(ITEMS, json=body, headers=planner)
        assert made.status_code == 201, made.text
        assert made.json()["properties"]["species"] == (code or "again")
    either = found("SOUSA CHINENSIS", "met-x", CORNERS[0])
    refused = await anonymous.post(ITEMS, json=either, headers=planner)
    assert "'again', 'dolphin'" in refused.json()["detail"]


async def test_a_name_that_is_taken_is_refused_by_name_and_value(
    masked_world: dict[str, dict[str, str]], anonymous: httpx.AsyncClient
) -> None:
    admin = masked_world["admin@None"]
    again = {"code": "t9", "scientific_name": "Sousa chinensis"}
    rule = "there is one with the same scientific_name 'Sousa chinensis' in species already"
    for refused in (
        await anonymous.post("/species", json=again, headers=admin),
        await anonymous.patch(
            "/species/egret", json={"scientific_name": "Sousa chinensis"}, headers=admin
        ),
    ):
        assert refused.status_code == 409
        assert refused.json()["errors"][0]["pointer"] == "/scientific_name"
        assert rule in refused.json()["detail"]
    named = {"code": "egret", "scientific_name": "Another name"}
    refused = await anonymous.post("/species", json=named, headers=admin)
    assert refused.json()["errors"][0]["pointer"] == "/code"
    assert "the same code 'egret'" in refused.json()["detail"]


async def test_the_species_of_areas_are_a_page_and_a_table(
    masked_world: dict[str, dict[str, str]], anonymous: httpx.AsyncClient
) -> None:
    path, admin = "/regions/here/species", masked_world["admin@None"]
    table = await anonymous.get(path, params={"f": "csv"}, headers=admin)
    lines = table.content.decode("utf-8-sig").splitlines()
    assert lines == [
        "area,name_zh,name_en,level,year,species,first_class,second_class,provincial,threatened,"
        "invasive,occurrences,last_observed",
        *(f"{area},{area},{area},,{year},{found}" for area, year, found in LISTED_SPECIES),
    ]
    for lang, told, warned in (
        ("zh", "最近发现", "未计入"),
        ("en", "Last observed", "are not counted"),
    ):
        asked = {"f": "html", "lang": lang}
        page = await anonymous.get(path, params=asked, headers=admin)
        assert told in page.text
        assert warned not in page.text
        assert "<rect" in page.text
        assert warned in (await anonymous.get(path, params=asked)).text
    for item, linked in (
        ("regions/items/here", "/regions/here/species?f=html"),
        ("control_areas/items/corner", "/regions/here/species?area=corner&amp;f=html"),
    ):
        page = await anonymous.get(f"/collections/{item}", params={"f": "html"}, headers=admin)
        assert linked in page.text
    for wrong, status in (("?year=20", 400), ("?area=none", 404), ("?area=%00", 400)):
        assert (await anonymous.get(path + wrong)).status_code == status
    assert (await anonymous.get("/regions/none/species")).status_code == 404


LISTED_SPECIES = (
    ("around", "", "3,0,0,0,0,0,3,2024-05-01"),
    ("around", "2024", "3,0,0,0,0,0,3,2024-05-01"),
    ("corner", "", "2,0,0,0,0,0,2,2024-05-01"),
    ("corner", "2024", "2,0,0,0,0,0,2,2024-05-01"),
)
"""What a table of the species of both areas has for who may know all places."""
