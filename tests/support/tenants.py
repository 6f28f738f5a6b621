"""Objects of each visibility under names that stand nowhere else, and who may know of them."""

import re

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.identity import RoleGiven
from shanhai.db.queries.keys import create_key
from shanhai.db.tables.zone import Region
from shanhai.vocabulary import ROLE_SCOPES, Role, Visibility

CALLERS = (
    *("", "nobody", "viewer@elsewhere", "planner@elsewhere"),
    *("viewer@here", "planner@here", "auditor@None", "admin@None"),
)
AREA = "ST_Multi(ST_MakeEnvelope(118.0, 24.4, 118.1, 24.5, 4490))"
POINT = "ST_Point(118.05, 24.45, 4490)"
NAMED = "code, name_zh, name_en, region_id, visibility"
SAID = {
    "stations": (f"station ({NAMED}, kind, geom)", f"'sky', {POINT}"),
    "problems": (f"problem ({NAMED}, type, geom)", f"'erosion', {AREA}"),
    "control_areas": (
        f"control_area ({NAMED}, kind, status, geom)",
        f"'red_line', 'published', {AREA}",
    ),
    "projects": (
        f"project ({NAMED}, start_year, end_year, state, geom)",
        f"2024, 2025, 'approved', {AREA}",
    ),
    "reclamations": (
        f"reclamation ({NAMED}, start_on, end_on, land_class_before, geom)",
        f"'2024-01-01', '2025-01-01', '0103', {AREA}",
    ),
    "documents": (
        "document (code, title_zh, title_en, region_id, visibility, owner_collection, owner_code,"
        " kind, filename, media_type, bytes, sha256, uri, uploaded_by)",
        "'projects', 'none', 'other', 'x.pdf', 'application/pdf', 1, repeat('0', 64), 'x', 'x'",
    ),
}
"""By collection: its table and columns, and values of those after the first five."""
SIGN = re.compile(rb"zz-[a-z_]+-zz")


def sign(kind: str, visibility: str) -> str:
    """What an object is called, in its code and in its names."""
    return f"zz-{kind}_{visibility}-zz".replace("signed_in", "signedin")


def may_know(caller: str, kind: str, visibility: str) -> bool:
    """Whether an object is for a caller, in the words of the guide."""
    if visibility == "public" or caller == "admin@None":
        return True
    if not caller:
        return False
    if visibility == "signed_in":
        return True
    # Files may belong to drafts, so that they are for those of the region who see drafts.
    least = {"auditor@None", "planner@here"} | ({"viewer@here"} if kind != "documents" else set())
    return caller in least


async def add_objects(session: AsyncSession, region: Region) -> None:
    """One of each kind and visibility, in a region."""
    for visibility in Visibility:
        for kind, (into, values) in SAID.items():
            name = sign(kind, visibility)
            row = f"'{name}', '{name}', '{name}', {region.id}, '{visibility}', {values}"
            await session.execute(text(f"INSERT INTO {into} VALUES ({row})"))


async def headers_of(session: AsyncSession, name: str) -> dict[str, str]:
    """The headers of a caller, with a key that is made for it."""
    if not name:
        return {}
    role, _, region = name.partition("@")
    given = [RoleGiven(Role(role), None if region == "None" else region)] if region else []
    scopes = ROLE_SCOPES[Role(role)] if region else ROLE_SCOPES[Role.VIEWER]
    key = await create_key(session, name=name, scopes=sorted(scopes), roles=given)
    return {"Authorization": f"Bearer {key}"}
