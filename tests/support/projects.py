"""Projects that tests need: in any state, with all that a guard asks for or without."""

from datetime import date
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.tables.project import FundEntry, FundSource, Project, ProjectMeasure
from shanhai.db.tables.provision import Document
from shanhai.db.tables.zone import Region

PROJECT = "mine-restoration"
MEASURES = ("mine_restoration", "tree_planting")
SQUARE = (106.50, 29.40, 106.51, 29.41)


async def add_project(
    session: AsyncSession, *, code: str = PROJECT, region: str = "banan", **values: Any
) -> Project:
    """A project with nothing but names, region and years; drafted unless told otherwise."""
    region_id = await session.scalar(select(Region.id).where(Region.code == region))
    row = Project(
        **{
            "visibility": "public",
            "code": code,
            "name_zh": "矿山生态修复",
            "name_en": "Mine restoration",
            "region_id": region_id,
            "start_year": 2021,
            "end_year": 2027,
            **values,
        }
    )
    session.add(row)
    await session.flush()
    return row


async def add_measures(session: AsyncSession, project: Project, *, done: float | None = 1) -> None:
    """Two measures, done or not."""
    session.add_all(
        ProjectMeasure(
            project_id=project.id, order_no=order, measure=measure, planned=2, done=done, unit="ha"
        )
        for order, measure in enumerate(MEASURES, 1)
    )
    await session.flush()


async def add_paper(
    session: AsyncSession,
    project: Project,
    kind: str,
    *,
    measure: str | None = None,
    visibility: str = "region",
    period: tuple[date, date] | None = None,
    figure: tuple[str, float, str] | None = None,
) -> Document:
    """A document of the project, without a file behind it.

    Args:
        period: The first and last day its results are about.
        figure: The quantity, value and unit it tells.
    """
    attrs: dict[str, Any] = {} if measure is None else {"measure": measure}
    if period is not None:
        attrs |= {"period_from": str(period[0]), "period_to": str(period[1])}
    if figure is not None:
        attrs |= dict(zip(("quantity", "value", "unit"), figure, strict=True))
    number = await session.scalar(select(func.count()).select_from(Document))
    row = Document(
        code=f"{project.code}.paper-{number}",
        owner_collection="projects",
        owner_code=project.code,
        region_id=project.region_id,
        title_zh="文件",
        kind=kind,
        filename="paper.pdf",
        media_type="application/pdf",
        bytes=1,
        sha256="0" * 64,
        uri="objects/00/none.pdf",
        uploaded_by="tester",
        visibility=visibility,
        attrs=attrs,
    )
    session.add(row)
    await session.flush()
    return row


async def prove(session: AsyncSession, project: Project) -> None:
    """The documents an approval asks for, with a notice whose period is over."""
    for kind in ("proposal", "design"):
        await add_paper(session, project, kind)
    await add_paper(session, project, "notice", visibility="public")
    await age_notice(session, days=60)


async def age_notice(session: AsyncSession, *, days: int) -> None:
    """Let the notices have been sent so many days before."""
    aged = text(
        "UPDATE document SET created_at = created_at - make_interval(days => :days)"
        " WHERE kind = 'notice'"
    )
    await session.execute(aged, {"days": days})
    await session.commit()


async def add_source(
    session: AsyncSession,
    code: str = "central-2024",
    amount: str = "1000.00",
    *,
    allowed: list[str] | None = None,
    year: int | None = 2024,
) -> FundSource:
    """A source of money."""
    row = FundSource(
        code=code,
        name_zh="中央资金",
        name_en="Central funds",
        kind="central",
        year=year,
        amount=amount,
        allowed_measures=allowed,
    )
    session.add(row)
    await session.flush()
    return row


async def allocate(
    session: AsyncSession, project: Project, source: FundSource, amount: str
) -> None:
    """Money promised to the project."""
    session.add(
        FundEntry(
            source_id=source.id,
            project_id=project.id,
            kind="allocation",
            amount=amount,
            actor="tester",
        )
    )
    await session.flush()


def complete() -> dict[str, Any]:
    """Columns of a project that has all its row can have to pass every guard."""
    return {
        "type_code": "mine_restoration",
        "cost": "1000000.00",
        "geom": func.ST_MakeEnvelope(*SQUARE, 4490),
        "attrs": {
            "geometry_final": True,
            "fund_share_percent": 60,
            "comment_until": date(2024, 1, 31).isoformat(),
            "after_care_until": date(2024, 12, 31).isoformat(),
        },
    }
