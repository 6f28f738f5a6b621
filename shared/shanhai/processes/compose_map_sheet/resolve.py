"""The task of a map sheet: its layers as its caller may see them, its frame, what lies around."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import shapely
from shapely.geometry import mapping, shape
from shapely.geometry.base import BaseGeometry
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.cartography import RampStyle, style_of
from shanhai.db.bulletins.contents import find_scheme
from shanhai.db.collections.catalogue import collection_named, seen_by
from shanhai.db.collections.data_sources import DATASETS
from shanhai.db.collections.regions import REGIONS
from shanhai.db.collections.zones import ZONE_SCHEMES, ZONES
from shanhai.db.engine import read_today
from shanhai.db.features.cql2.compiler import Compiled, compile_filter
from shanhai.db.features.crs import box_fault
from shanhai.db.features.entity import Entity
from shanhai.db.features.order import PageStart
from shanhai.db.features.query import FeatureRow, count_features, read_feature, read_page
from shanhai.db.features.selection import Box, Selection, viewer_values, visibility
from shanhai.db.identity import EVERYTHING, PUBLIC, Identity, Viewer
from shanhai.db.queries.jobs import RegionRow, places_of
from shanhai.db.tables.dataset import Dataset
from shanhai.errors import Fault, InvalidInput
from shanhai.feature_styles import OTHER, FeatureStyle, feature_style
from shanhai.processes.compose_map_sheet import contract
from shanhai.processes.compose_map_sheet.layout import (
    Bounds,
    SheetLayout,
    best_orientation,
    round_scale,
    widened,
)
from shanhai.processes.kit.lookups import describe_dataset, find_usable_region, refuse
from shanhai.processes.kit.resolution import Resolution, check_grid, keep_rights
from shanhai.processes.kit.task import DatasetTask, RegionTask, Task
from shanhai.raster.crs import LON_LAT, transformer
from shanhai.vocabulary import Label, Visibility

LAND_COVER = "land_cover"
_BASE_MAP = Label("底图", "Base map")
_BBOX, _SCALE, _DPI = "/inputs/bbox", "/inputs/scale", "/inputs/dpi"
_HIDDEN_MM = 0.1
"""What is smaller on paper cannot be seen."""
_DEGREE_M = 111_000.0
_NEAR = 1.0
"""How far around the frame regions are looked for, in parts of it: the inset shows them."""
_MOST_AROUND = 200
_SETTLED = frozenset({"published", "superseded"})
_PLACES = frozenset({"nation", "province", "city", "district"})
_BELOW = text(
    """WITH RECURSIVE below (id, code) AS (
         SELECT id, code FROM region WHERE id = :region
         UNION
         SELECT region.id, region.code FROM region JOIN below ON region.parent_id = below.id
          WHERE region.deleted_at IS NULL
       ) SELECT code FROM below"""
)


@dataclass(slots=True)
class _LayerSearch:
    """One sheet's look-up: who asks, where, and what is noted on the way."""

    session: AsyncSession
    viewer: Viewer
    inputs: contract.ComposeMapSheetInputs
    row: RegionRow
    places: Sequence[str]
    datasets: dict[str, DatasetTask] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    public: bool = True
    draft: bool = False

    def keep(self, dataset: Dataset) -> str:
        """Note a raster that is read; gives its key."""
        self.datasets[dataset.code] = describe_dataset(dataset)
        self.public &= dataset.visibility == Visibility.PUBLIC
        return dataset.code


async def resolve(
    session: AsyncSession, inputs: contract.ComposeMapSheetInputs, *, requested_by: str
) -> Task:
    """The sheet as it was asked for; all is looked up with the rights of the caller."""
    return contract.ComposeMapSheetTask(
        process=contract.COMPOSE_MAP_SHEET.id, inputs=inputs.model_dump(mode="json")
    )


async def complete(session: AsyncSession, task: Task, identity: Identity | None) -> Task:
    """The task with its layers, frame and surroundings.

    Raises:
        InvalidInput: there is no such region, layer or scheme, a filter is wrong, or what is asked
            for does not go on the paper; names every fault.
    """
    inputs = contract.ComposeMapSheetInputs.model_validate(task.inputs)
    row, region = await find_usable_region(session, inputs.region)
    extent, orientation, scale = _place(inputs, region)
    places = (await session.scalars(_BELOW, {"region": row.id})).all()
    viewer = EVERYTHING if identity is None else identity.viewer
    search = _LayerSearch(session, viewer, inputs, row, places)
    layers = [
        await _find_raster(search, one, number)
        if isinstance(one, contract.RasterOnSheet)
        else await _find_features(search, one, number, scale)
        for number, one in enumerate(inputs.layers)
    ]
    refuse(search.faults)
    _demand_few(layers)
    cover = await _newest(search, LAND_COVER, None)
    frame = _degrees(
        SheetLayout.of(inputs.paper, orientation, two_languages=_two(inputs)).frame_at(
            extent, scale
        ),
        region.epsg,
    )
    land_cover = None if cover is None else search.keep(cover)
    secrecy = inputs.secrecy or ("open" if search.public else "internal")
    if secrecy == "open" and not search.public:
        raise InvalidInput(
            "secrecy is `open`, but not everybody may see all that is on the sheet;"
            " it must be `internal` or `sensitive`",
            message_zh="secrecy 为 `open`（公开），但图上含有并非所有人可见的内容；"
            "须为 `internal` 或 `sensitive`",
            pointer="/inputs/secrecy",
        )
    title = _title(inputs, region, layers)
    sheet = contract.SheetTask(
        region=region,
        bounds=extent,
        orientation=orientation,
        scale=scale,
        title_zh=title.zh,
        title_en=title.en,
        made_on=inputs.made_on or await read_today(session),
        secrecy=secrecy,
        draft=search.draft,
        land_cover=land_cover,
        parent=await _parent(search) if inputs.inset else None,
        around=await _around(search, frame),
        layers=layers,
    )
    return task.model_copy(update={"sheet": sheet, "datasets": search.datasets})


def _two(inputs: contract.ComposeMapSheetInputs) -> bool:
    return inputs.languages == "both"


def _place(
    inputs: contract.ComposeMapSheetInputs, region: RegionTask
) -> tuple[Bounds, contract.Orientation, int]:
    """The box that is to be shown in metres, how the paper lies, and the scale.

    Raises:
        InvalidInput: the box is none, lies elsewhere, or does not fit at the scale asked for.
    """
    _check_pixels(inputs)
    outline = shape(region.geometry)
    shown = outline.bounds if inputs.bbox is None else _checked_box(inputs.bbox, outline)
    check_grid(region.geometry, epsg=region.epsg, cell_m=1000.0)
    change = transformer(LON_LAT, f"EPSG:{region.epsg}")
    extent: Bounds = change.transform_bounds(*shown)
    extent = widened(extent) if inputs.bbox is None else extent
    longest = max(extent[2] - extent[0], extent[3] - extent[1])
    if not contract.SMALLEST_M <= longest <= contract.LARGEST_M:
        raise InvalidInput(
            f"the extent is {longest:.0f} m across; it must be from {contract.SMALLEST_M:.0f} m"
            f" to {contract.LARGEST_M / 1e3:.0f} km",
            message_zh=f"图示范围长边为 {longest:.0f} m，须在 {contract.SMALLEST_M:.0f} m 至"
            f" {contract.LARGEST_M / 1e3:.0f} km 之间",
            pointer=_BBOX,
        )
    orientation = inputs.orientation or best_orientation(
        inputs.paper, extent, two_languages=_two(inputs)
    )
    layout = SheetLayout.of(inputs.paper, orientation, two_languages=_two(inputs))
    least = layout.least_scale(extent)
    if inputs.scale is None:
        return extent, orientation, round_scale(least)
    if inputs.scale < least:
        raise InvalidInput(
            f"scale is 1:{inputs.scale}, at which the extent does not go on {inputs.paper};"
            f" 1:{round_scale(least)} does",
            message_zh=f"scale 为 1:{inputs.scale}，图示范围在 {inputs.paper} 上放不下；"
            f"可用 1:{round_scale(least)}",
            pointer=_SCALE,
        )
    return extent, orientation, inputs.scale


def _check_pixels(inputs: contract.ComposeMapSheetInputs) -> None:
    longer, shorter = (
        inputs.dpi * side / contract.MM_IN for side in contract.PAPERS_MM[inputs.paper]
    )
    if "png" in inputs.formats and longer * shorter > contract.MOST_PIXELS:
        most = int(inputs.dpi * (contract.MOST_PIXELS / (longer * shorter)) ** 0.5)
        raise InvalidInput(
            f"dpi is {inputs.dpi}, which makes {longer * shorter / 1e6:.0f} million pixels of"
            f" {inputs.paper}; at most {contract.MOST_PIXELS / 1e6:.0f} are made, so it is"
            f" {most} at most",
            message_zh=f"dpi 为 {inputs.dpi}，{inputs.paper} 将有 {longer * shorter / 1e6:.0f} 百万"
            f"像素，上限 {contract.MOST_PIXELS / 1e6:.0f} 百万，即 dpi 至多 {most}",
            pointer=_DPI,
        )
    if len(set(inputs.formats)) < len(inputs.formats):
        raise InvalidInput(
            "a format is named twice", message_zh="格式重复", pointer="/inputs/formats"
        )


def _checked_box(box: contract.Box, region: BaseGeometry) -> contract.Box:
    wrong = box_fault(*box)
    if wrong is not None:
        raise InvalidInput(wrong.en, message_zh=wrong.zh, pointer=_BBOX)
    if not shapely.make_valid(region).intersects(shapely.box(*box)):
        raise InvalidInput(
            "bbox does not touch the region, whose box is "
            + ", ".join(f"{side:.4f}" for side in region.bounds),
            message_zh="bbox 与区域不相交；区域范围为 "
            + ", ".join(f"{side:.4f}" for side in region.bounds),
            pointer=_BBOX,
        )
    return box


def _degrees(frame: Bounds, epsg: int) -> Bounds:
    bounds: Bounds = transformer(f"EPSG:{epsg}", LON_LAT).transform_bounds(*frame)
    return bounds


async def _find_raster(
    search: _LayerSearch, asked: contract.RasterOnSheet, number: int
) -> contract.SheetLayerTask:
    """A raster; where the region has none of the theme the layer says so."""
    pointer = f"/inputs/layers/{number}"
    found = (
        await _named(search, asked.dataset)
        if asked.dataset is not None
        else await _newest(search, asked.theme or "", asked)
    )
    theme = asked.theme if found is None else found.theme
    style = style_of(theme or "", None if found is None else found.unit)
    if found is None and (asked.dataset is not None or asked.job is not None):
        what = asked.dataset or f"{asked.theme} of job {asked.job}"
        search.faults.append(
            Fault(
                f"{pointer}/{'dataset' if asked.dataset else 'job'}",
                f"there is no raster {what} in region {search.row.code!r}",
                f"区域 {search.row.code!r} 没有栅格 {what}",
            )
        )
    elif found is None and isinstance(style, RampStyle) and style.title.en == theme:
        search.faults.append(
            Fault(
                f"{pointer}/theme",
                f"{theme!r} is no theme of rasters, such as zones, ratio.cooling, land_cover",
                f"{theme!r} 不是栅格专题；如 zones、ratio.cooling、land_cover",
            )
        )
    return contract.SheetLayerTask(
        kind="raster",
        title_zh=style.title.zh,
        title_en=style.title.en,
        theme=theme,
        dataset=None if found is None else search.keep(found),
    )


async def _named(search: _LayerSearch, code: str) -> Dataset | None:
    return await _one_raster(search, "d.code = :code", "true", {"code": code})


async def _newest(
    search: _LayerSearch, theme: str, asked: contract.RasterOnSheet | None
) -> Dataset | None:
    """The newest raster of a theme; the region's own come before its parent's."""
    job = None if asked is None else asked.job
    met = "d.theme = :theme" + ("" if job is None else " AND d.job_id = :job")
    # Of computed ones every run leaves its own; only the newest of what is imported counts.
    current = DATASETS.current if job is None else "true"
    values = {"theme": theme} | ({} if job is None else {"job": job})
    return await _one_raster(search, met, current, values)


async def _one_raster(
    search: _LayerSearch, met: str, current: str, values: Mapping[str, Any]
) -> Dataset | None:
    seen = [DATASETS.live, current, *visibility(DATASETS, search.viewer)]
    query = text(
        f"SELECT d.id FROM {DATASETS.source} WHERE {' AND '.join(seen)} AND {met}"  # noqa: S608
        " AND d.kind = 'raster' AND d.region_id = ANY(:regions)"
        " ORDER BY (d.region_id = :own) DESC, d.created_at DESC, d.id DESC LIMIT 1"
    )
    asked = {
        **values,
        **viewer_values(search.viewer),
        "regions": list(places_of(search.row)),
        "own": search.row.id,
    }
    found = await search.session.scalar(query, asked)
    return None if found is None else await search.session.get(Dataset, found)


async def _find_features(
    search: _LayerSearch, asked: contract.FeaturesOnSheet, number: int, scale: int
) -> contract.SheetLayerTask:
    """The features of a collection, generalised for the scale; counts those nobody has drawn."""
    pointer = f"/inputs/layers/{number}"
    entity = collection_named(asked.collection)
    filters = _filters(search, asked, pointer)
    empty = contract.SheetLayerTask(
        kind="features", title_zh=entity.title.zh, title_en=entity.title.en
    )
    if entity is ZONES and asked.scheme is None and asked.plan is None:
        day = search.inputs.as_of or await read_today(search.session)
        scheme = await find_scheme(search.session, search.row.id, day)
        filters |= {} if scheme is None else {"scheme": scheme.code}
    try:
        selection = _selection(search, search.viewer, entity, asked, filters)
    except InvalidInput as error:
        search.faults.append(Fault(f"{pointer}/filter", error.message, error.message_zh))
        return empty
    page = await read_page(
        search.session, entity, selection, limit=contract.MOST_FEATURES, position=PageStart()
    )
    if page.has_next:
        search.faults.append(
            Fault(
                pointer,
                f"{asked.collection} has more than {contract.MOST_FEATURES} features there;"
                " choose fewer by filter or bbox",
                f"{entity.title.zh}超过 {contract.MOST_FEATURES} 个要素，"
                "请用 filter 或 bbox 缩小范围",
            )
        )
        return empty
    rows = [(row.geometry, row.plain()) for row in page.rows]
    if entity.masking is not None or len(rows) != await count_features(
        search.session, entity, _selection(search, PUBLIC, entity, asked, filters), capped=False
    ):
        search.public = False
    search.draft |= any(
        told.get("status") not in {None, *_SETTLED} for _, told in rows if "status" in told
    )
    if entity is ZONES:
        schemes = sorted({told["scheme"] for _, told in rows})
        if len(schemes) > 1:
            named = ", ".join(schemes)
            search.faults.append(
                Fault(
                    f"{pointer}/scheme",
                    f"the region has zones of several schemes; name one: {named}",
                    f"该区域有多个分区方案，请指定其一：{named}",
                )
            )
            return empty
        rows.sort(key=lambda row: (row[1]["class_value"], row[1]["code"]))
        empty = await _named_zoning(search, empty, schemes)
    return _layer_of(asked, empty, rows, _HIDDEN_MM / 1e3 * scale / _DEGREE_M)


async def _named_zoning(
    search: _LayerSearch, layer: contract.SheetLayerTask, schemes: Sequence[str]
) -> contract.SheetLayerTask:
    """The layer of zones by the name of their scheme; they are to cover the land."""
    for code in schemes:
        row = await read_feature(
            search.session,
            ZONE_SCHEMES,
            Selection(search.viewer, code=code, as_of=search.inputs.as_of),
        )
        if row is not None:
            told = row.plain()
            titles = {
                name: told[name.replace("title", "name")] for name in ("title_zh", "title_en")
            }
            layer = layer.model_copy(update={"complete": True, **titles})
    return layer


def _selection(
    search: _LayerSearch,
    viewer: Viewer,
    entity: Entity,
    asked: contract.FeaturesOnSheet,
    filters: Mapping[str, str],
) -> Selection:
    """The features of a layer as a viewer may see them.

    Raises:
        InvalidInput: the filter is none.
    """
    seen = seen_by(entity, viewer)
    own = compile_filter(asked.filter or "true", entity=seen)
    # The places are bound apart: they are many, and no part of a filter that somebody gave.
    region = next(item.sql for item in seen.properties if item.name == "region")
    within = Compiled(
        f"({own.sql}) AND ({region}) = ANY(CAST(:q_places AS text[]))",
        {**own.values, "q_places": search.places},
        own.properties | {"region"},
    )
    box = search.inputs.bbox
    return Selection(
        viewer,
        filters=filters,
        as_of=search.inputs.as_of,
        box=None if box is None else Box(*box),
        filter=within,
    )


def _filters(search: _LayerSearch, asked: contract.FeaturesOnSheet, pointer: str) -> dict[str, str]:
    """Scheme and plan, where the collection has them; a fault for each that it has not."""
    known = {item.name for item in collection_named(asked.collection).queryables}
    found: dict[str, str] = {}
    for name in ("scheme", "plan"):
        value = getattr(asked, name)
        if value is not None and name not in known:
            search.faults.append(
                Fault(
                    f"{pointer}/{name}",
                    f"{asked.collection} belong to no {name}",
                    f"{asked.collection} 没有 {name} 属性",
                )
            )
        elif value is not None:
            found[name] = value
    return found


Rows = Sequence[tuple[str | None, Mapping[str, Any]]]
"""Geometry as JSON text, and properties."""


def _layer_of(
    asked: contract.FeaturesOnSheet,
    empty: contract.SheetLayerTask,
    rows: Rows,
    grain_degrees: float,
) -> contract.SheetLayerTask:
    """Features by the classes of their collection's look, in the order of its legend."""
    style = feature_style(asked.collection)
    looks = [_look(style, told, empty) for _, told in rows]
    drawn = [
        (look, told, _generalised(shape(orjson.loads(geometry)), grain_degrees))
        for look, (geometry, told) in zip(looks, rows, strict=True)
        if geometry is not None
    ]
    order = {one.label.en: place for place, one in enumerate(style.classes)}
    entries = list(dict.fromkeys(look for look, _, _ in drawn))
    if not style.colored_by:
        entries.sort(key=lambda look: order.get(look[1], len(order)))
    return empty.model_copy(
        update={
            "entries": [
                contract.SheetEntry(label_zh=zh, label_en=en, color=color)
                for zh, en, color in entries
            ],
            "shapes": [
                contract.SheetShape(
                    entry=entries.index(look),
                    name_zh=told.get("name_zh") or "",
                    name_en=told.get("name_en") or told.get("name_zh") or "",
                    geometry=mapping(geometry),
                )
                for look, told, geometry in drawn
                if not geometry.is_empty
            ],
            "filled": style.filled,
            "labels": asked.labels,
            "undrawn": sum(geometry is None for geometry, _ in rows),
        }
    )


def _look(
    style: FeatureStyle, told: Mapping[str, Any], layer: contract.SheetLayerTask
) -> tuple[str, str, str]:
    """What a feature is called in the legend, in both languages, and its colour."""
    if style.by is None:
        return layer.title_zh, layer.title_en, style.color
    own = told.get(style.colored_by) if style.colored_by else None
    if style.colored_by and told.get("class_name_zh"):
        return told["class_name_zh"], told["class_name_en"], own or style.color
    value = told.get(style.by)
    for one in style.classes:
        if str(value).lower() in one.values:
            return one.label.zh, one.label.en, own or one.color
    return OTHER.zh, OTHER.en, own or style.color


def _generalised(geometry: BaseGeometry, grain_degrees: float) -> BaseGeometry:
    simple = geometry.simplify(grain_degrees, preserve_topology=True)
    rounded: BaseGeometry = shapely.transform(simple, lambda points: points.round(6))
    return rounded


def _demand_few(layers: Iterable[contract.SheetLayerTask]) -> None:
    """Refuse more vertices than a task may hold.

    Raises:
        InvalidInput: so it is.
    """
    number = sum(
        int(shapely.get_num_coordinates(shape(one.geometry)))
        for layer in layers
        for one in layer.shapes
    )
    if number > contract.MOST_VERTICES:
        raise InvalidInput(
            f"the features have {number} vertices; at most {contract.MOST_VERTICES} go on a sheet:"
            " choose fewer by filter or bbox",
            message_zh=f"要素共 {number} 个顶点，上限 {contract.MOST_VERTICES}，"
            "请用 filter 或 bbox 缩小范围",
            pointer="/inputs/layers",
        )


def _title(
    inputs: contract.ComposeMapSheetInputs,
    region: RegionTask,
    layers: Sequence[contract.SheetLayerTask],
) -> Label:
    """The title asked for, or the region and the lowest layer of which there is something."""
    there = (one for one in layers if one.dataset is not None or one.shapes)
    lowest = next((Label(one.title_zh, one.title_en) for one in there), _BASE_MAP)
    # A zoning may bear the name of its region.
    zh, en = lowest.zh.removeprefix(region.name_zh), lowest.en.removeprefix(region.name_en)
    return Label(
        inputs.title_zh or f"{region.name_zh}{zh.removesuffix('图')}图",
        inputs.title_en or f"{region.name_en}: {en.strip(' :,')}",
    )


async def _parent(search: _LayerSearch) -> contract.OutlineTask | None:
    """The region above, where its outline is known."""
    own = await read_feature(
        search.session, REGIONS, Selection(search.viewer, code=search.row.code)
    )
    above = None if own is None else own.plain().get("parent")
    if above is None:
        return None
    row = await read_feature(search.session, REGIONS, Selection(search.viewer, code=above))
    return None if row is None else _outline(row)


async def _around(search: _LayerSearch, frame: Bounds) -> list[contract.OutlineTask]:
    """Administrative regions in or near the frame that are not the sheet's nor below it."""
    west, south, east, north = frame
    wide, high = _NEAR * (east - west), _NEAR * (north - south)
    box = Box(
        max(-180.0, west - wide),
        max(-90.0, south - high),
        min(180.0, east + wide),
        min(90.0, north + high),
    )
    page = await read_page(
        search.session,
        REGIONS,
        Selection(search.viewer, box=box),
        limit=_MOST_AROUND,
        position=PageStart(),
    )
    rows = [(row, row.plain()) for row in page.rows if row.code not in search.places]
    above = {told.get("parent") for _, told in rows}
    found = [
        _outline(row) for row, told in rows if told["level"] in _PLACES and row.code not in above
    ]
    return [one for one in found if one is not None]


def _outline(row: FeatureRow) -> contract.OutlineTask | None:
    if row.geometry is None:
        return None
    told = row.plain()
    geometry = shape(orjson.loads(row.geometry))
    west, south, east, north = geometry.bounds
    simple = _generalised(geometry, max(east - west, north - south) / 3000)
    return contract.OutlineTask(
        name_zh=told["name_zh"],
        name_en=told["name_en"] or told["name_zh"],
        geometry=mapping(simple),
    )


RESOLUTION = Resolution(contract.COMPOSE_MAP_SHEET, resolve, keep_rights, complete)
