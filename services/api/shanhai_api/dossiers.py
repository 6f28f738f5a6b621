"""`/regions/{code}/dossier`, and `/regions/{region}/species` of its protected areas."""

from collections.abc import Iterable, Sequence
from datetime import date
from functools import partial
from typing import Annotated, Any, Self

from fastapi import APIRouter, Query, Response
from pydantic import Field

from shanhai.db import dossiers, species_counts
from shanhai.db.engine import read_today
from shanhai.db.hierarchy import RegionWithin, find_region
from shanhai.reporting import blocks
from shanhai.reporting.pages import figure
from shanhai.science.units import unit_name
from shanhai.vocabulary import CONTROL_LEVELS, REGION_LEVELS, Label, Lang
from shanhai_api.features import documents
from shanhai_api.kit import answers
from shanhai_api.kit.dependencies import PageQuery, Read, Reader, format_field
from shanhai_api.kit.routing import Route
from shanhai_api.kit.view import DOCX, HTML, JSON, PDF, View, choose_format
from shanhai_api.plans.answers import Titled, here_links
from shanhai_api.plans.operations import send_document
from shanhai_api.plans.schemas import Year
from shanhai_api.projects import plan_models, routes
from shanhai_api.projects.schemas import TableQuery, Word
from shanhai_api.words.members import PROJECT_STATES

router = APIRouter(tags=["features"], route_class=Route)
FORMATS = (JSON, HTML, PDF, DOCX)
DASH = "–"
NAME = Label("名称", "Name")


class DossierQuery(PageQuery):
    """Parameters of a dossier."""

    year: Year | None = Field(
        None, description="Year of the classes of water; the last whole year without"
    )
    f: str | None = format_field("json", "html", "pdf", "docx")


class DossierMember(answers.Answered):
    """A member of the rows of a part."""

    name: str
    title: str
    unit: str | None


class DossierPartShown(answers.Answered):
    """A part of a dossier; parts without rows are not there."""

    name: str
    title: str
    total: int = Field(description="Rows there are; at most 500 of them are here")
    collection: str | None = Field(description="Where its rows are, unless they are computed")
    members: list[DossierMember]
    rows: list[dict[str, Any]]

    @classmethod
    def of(cls, part: dossiers.DossierPart, view: View) -> Self:
        """A part as it is shown."""
        members = [
            DossierMember(name=one.name, title=one.title.in_(view.lang), unit=one.unit)
            for one in part.columns
        ]
        return cls(
            name=part.name,
            title=part.title.in_(view.lang),
            total=part.total,
            collection=None if part.of is None else part.of.name,
            members=members,
            rows=[*part.rows],
        )


class RegionDossier(Titled):
    """What is stored of a region, put together when asked."""

    template = "dossier.html"
    formats = FORMATS

    region: str
    name_zh: str
    name_en: str
    level: Annotated[str, answers.one_of(REGION_LEVELS)]
    year: int = Field(description="Year of the classes of water")
    parts: list[DossierPartShown]
    links: list[answers.Link]

    @classmethod
    def of(cls, dossier: dossiers.Dossier, view: View) -> Self:
        """A dossier as it is shown."""
        return cls(
            title=title_of(dossier, view.lang),
            region=dossier.code,
            name_zh=dossier.name.zh,
            name_en=dossier.name.en,
            level=dossier.level,
            year=dossier.year,
            parts=[DossierPartShown.of(part, view) for part in dossier.parts],
            links=[
                *here_links(view, *FORMATS),
                view.link(f"/collections/regions/items/{dossier.code}", "up"),
            ],
        )


def title_of(dossier: dossiers.Dossier, lang: Lang) -> str:
    """What a dossier is called: that of a bay is its strategy."""
    what = Label("一湾一策档案", "One bay, one strategy")
    if dossier.level != "bay":
        what = Label("区域档案", "Dossier")
    return f"{dossier.name.in_(lang)} · {what.in_(lang)}"


@router.get("/regions/{code}/dossier", summary="All that is stored of a region")
async def show_dossier(
    read: Read[Reader], code: str, query: Annotated[DossierQuery, Query()]
) -> answers.Answer[RegionDossier] | Response:
    """Tell the members, titles, waters, shoreline, outfalls, projects and duties of a region."""
    year = query.year or (await read_today(read.session)).year - 1
    dossier = await dossiers.read_dossier(read.session, read.caller.viewer, code, year)
    chosen = choose_format(read.request, FORMATS)
    if chosen is PDF or chosen is DOCX:
        make, title = partial(pages_of, dossier, read.lang), title_of(dossier, read.lang)
        return await send_document(read, chosen, make, title, f"{dossier.code}-dossier-{year}")
    shown = RegionDossier.of(dossier, read)
    tables = [(part, table_of(part, read.lang), paths_of(part)) for part in dossier.parts]
    return answers.Answer(shown, page={"tables": tables, "name_column": NAME.in_(read.lang)})


def shown_columns(part: dossiers.DossierPart, lang: Lang) -> list[dossiers.DossierColumn]:
    """The columns people read: names and texts in their language, and no codes beside names."""
    other = "_en" if lang == "zh" else "_zh"
    names = {column.name for column in part.columns}
    return [
        column
        for column in part.columns
        if not column.name.endswith(other)
        and (column.name != "code" or f"name_{lang}" not in names)
        and any(row[column.name] not in (None, "", []) for row in part.rows)
    ]


def heading_of(column: dossiers.DossierColumn, lang: Lang) -> str:
    """What stands above a column."""
    title = NAME if column.name == f"name_{lang}" else column.title
    return title.in_(lang) + (f" ({unit_name(column.unit, lang)})" if column.unit else "")


def cell_of(column: dossiers.DossierColumn, row: dossiers.Row, lang: Lang) -> str:
    """A value as people read it."""
    value = row[column.name]
    if value in (None, "", []):
        return DASH
    if isinstance(value, float):
        return figure(value, 6)
    listed = value if isinstance(value, list | tuple) else [value]
    # States of projects are rows of a table, not terms of a list.
    words = column.words or (PROJECT_STATES if column.name == "state" else {})
    told = [words.get(str(o), Label(str(o), str(o))).in_(lang) for o in listed]
    return Label("、", ", ").in_(lang).join(told)


def table_of(part: dossiers.DossierPart, lang: Lang) -> blocks.Table:
    """The table of a part."""
    columns = shown_columns(part, lang)
    rows = [[cell_of(column, row, lang) for column in columns] for row in part.rows]
    heads = [heading_of(one, lang) for one in columns]
    widths = blocks.widths_of(list(zip(heads, *rows, strict=True)))
    headings = [
        blocks.Column(text, width, one.kind)
        for text, width, one in zip(heads, widths, columns, strict=True)
    ]
    return blocks.Table("", headings, rows)


def paths_of(part: dossiers.DossierPart) -> list[str | None]:
    """Where each row of a part is itself."""
    if part.of is None:
        return [None for _ in part.rows]
    return [
        f"{documents.list_path(part.of, {'plan': row.get('plan') or ''})}/{row['code']}"
        for row in part.rows
    ]


def pages_of(dossier: dossiers.Dossier, lang: Lang) -> blocks.Pages:
    """A dossier as a document."""
    front = blocks.Front(
        title_of(dossier, lang),
        dossier.name.in_(lang),
        Label(f"水质年份 {dossier.year}", f"Classes of water of {dossier.year}").in_(lang),
        "",
        None,
    )
    parts: list[blocks.Block] = []
    for part in dossier.parts:
        parts += [blocks.SectionHeading(part.title.in_(lang)), table_of(part, lang)]
        if part.total > len(part.rows):
            told = Label(
                f"共 {part.total} 条，列出 {len(part.rows)} 条",
                f"{len(part.rows)} of {part.total} are listed",
            )
            parts.append(blocks.Paragraph(told.in_(lang), quiet=True))
    if not parts:
        parts = [blocks.Paragraph(Label("没有数据。", "Nothing is stored of it.").in_(lang))]
    return blocks.Pages(lang, front, parts, wide=True)


COUNTS = (
    *("species", "first_class", "second_class", "provincial", "threatened", "invasive"),
    *("occurrences", "last_observed"),
)
SPECIES_COLUMNS = ("area", "name_zh", "name_en", "level", "year", *COUNTS)
HEIGHT, WIDTH = 300, 1000
MOST_LABELS = 12


class SpeciesQuery(TableQuery):
    """Parameters of the species of protected areas."""

    area: Word | None = Field(None, description="Code of the one protected area that is wanted")
    year: Year | None = Field(None, description="The one year that is wanted")


class SpeciesCounts(answers.Answered):
    """Species met with, and how often. A synonym counts with the accepted name."""

    species: int
    first_class: int = Field(description="Species of national first class")
    second_class: int = Field(description="Species of national second class")
    provincial: int = Field(description="Species protected by the province")
    threatened: int = Field(description="Species in the categories CR, EN and VU of the red list")
    invasive: int = Field(description="Invasive alien species")
    occurrences: int = Field(description="Verified occurrences")
    last_observed: date | None = Field(description="The last day of the latest of them")

    @staticmethod
    def told(tally: species_counts.SpeciesTally) -> dict[str, Any]:
        """Its members."""
        return {name: getattr(tally, name) for name in COUNTS}


class SpeciesOfYear(SpeciesCounts):
    """The species of a year, by the first day they were met with on."""

    year: int

    @classmethod
    def each(cls, tallies: Sequence[species_counts.SpeciesTally]) -> list[Self]:
        """Years in order."""
        return [cls(year=one.year, **cls.told(one)) for one in tallies if one.year is not None]


class SpeciesOfArea(SpeciesCounts):
    """The species of a protected area, of all years together and of each."""

    area: str = Field(description="Code of the control area")
    name: str
    name_zh: str
    name_en: str
    level: Annotated[str, answers.one_of(CONTROL_LEVELS)] | None
    years: list[SpeciesOfYear]

    @classmethod
    def of(cls, found: species_counts.AreaTallies, view: View) -> Self:
        """An area as it is shown."""
        return cls(
            area=found.code,
            **plan_models.names(found.name, view),
            level=found.level,
            years=SpeciesOfYear.each(found.years),
            **cls.told(found.whole),
        )


class SpeciesOfRegion(Titled):
    """The species met with in the protected areas of a region, by area and year."""

    template = "region_species.html"
    formats = plan_models.FORMATS

    region: str
    region_name: str
    year: int | None
    complete: bool = Field(
        description="False: sensitive species whose exact places you may not know are not counted"
    )
    total: SpeciesCounts = Field(description="Of all these areas, each species counted once")
    years: list[SpeciesOfYear] = Field(description="The same by year")
    areas: list[SpeciesOfArea]
    links: list[answers.Link]

    @classmethod
    def of(
        cls,
        found: species_counts.ProtectedSpecies,
        code: str,
        region: RegionWithin,
        year: int | None,
        view: View,
    ) -> Self:
        """The counts of a region as they are shown."""
        name = region.name.in_(view.lang)
        title = Label("自然保护地物种", "Species of protected areas").in_(view.lang)
        return cls(
            title=f"{name} · {title}",
            region=code,
            region_name=name,
            year=year,
            complete=found.complete,
            total=SpeciesCounts(**SpeciesCounts.told(found.whole)),
            years=SpeciesOfYear.each(found.years),
            areas=[SpeciesOfArea.of(one, view) for one in found.areas],
            links=[
                *here_links(view, *plan_models.FORMATS),
                view.link(f"/collections/regions/items/{code}", "up"),
            ],
        )


@router.get("/regions/{region}/species", summary="Species of a region's protected areas")
async def show_species(
    read: Read[Reader], region: str, query: Annotated[SpeciesQuery, Query()]
) -> answers.Answer[SpeciesOfRegion] | Response:
    """Count the species met with in each protected area by year: protected, threatened, invasive.

    Verified occurrences count whose exact place the reader may know.
    """
    within = await find_region(read.session, region)
    found = await species_counts.count_species_by_area(
        read.session, within, read.caller.viewer, area=query.area, year=query.year
    )
    shown = SpeciesOfRegion.of(found, region, within, query.year, read)
    page = page_of_species(shown) if read.wants_html(*shown.formats) else {}
    return routes.respond_table(read, shown, SPECIES_COLUMNS, rows_of_areas(shown), page)


def rows_of_areas(shown: SpeciesOfRegion) -> Iterable[dict[str, Any]]:
    """A line for all years of an area, without a year, and one for each."""
    for area in shown.areas:
        told = area.as_json()
        yield {**told, "year": None}
        yield from ({**told, **year} for year in told["years"])


def page_of_species(shown: SpeciesOfRegion) -> dict[str, Any]:
    """What the page needs besides: the drawing, and the areas of each year."""
    areas: dict[int, list[tuple[SpeciesOfArea, SpeciesOfYear]]] = {}
    for area in shown.areas:
        for year in area.years:
            areas.setdefault(year.year, []).append((area, year))
    return {"bars": bars_of(shown.years), "areas_of": areas}


def bars_of(years: Sequence[SpeciesOfYear]) -> list[dict[str, Any]]:
    """What the drawing of the years needs, in the units of its view box."""
    top = max((one.species for one in years), default=0) or 1
    step, every = WIDTH / max(len(years), 1), -(-len(years) // MOST_LABELS)
    return [
        {
            "year": one.year,
            "labelled": place % every == 0,
            "x": round((place + 0.15) * step, 2),
            "middle": round((place + 0.5) * step, 2),
            "width": round(0.7 * step, 2),
            "species": round(HEIGHT * one.species / top, 2),
            "listed": round(HEIGHT * (one.first_class + one.second_class) / top, 2),
            "told": one.as_json(),
        }
        for place, one in enumerate(years)
    ]
