"""Files of features: what each layer is taken for, and its GeoJSON or the raster it becomes.

A layer of a national standard is known by its name and mapped as `national_layers.toml` says. Rows
keep all their fields; properties of ours are added where a value is the same in every row, and
where a field measures in another unit.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from pyproj import CRS

from shanhai.data.handed_over import rasters, words
from shanhai.data.handed_over.findings import (
    MOST_NAMED,
    Answers,
    DatasetFinding,
    judge_names,
    judge_system,
)
from shanhai.db.collections.catalogue import COLLECTIONS
from shanhai.db.features.entity import Entity, Property
from shanhai.errors import InvalidInput, ShanhaiError
from shanhai.processes.kit.dataset_description import FEATURES, FeaturesDescription
from shanhai.raster.crs import LON_LAT, transformer
from shanhai.raster.handed_over import write_classes
from shanhai.science.landcover import LAND_SURVEY, land_survey_class
from shanhai.storage.artifacts import sha256_of
from shanhai.vector.gdal_source import open_geodatabase, open_layer, open_loose_shapefile
from shanhai.vector.geojson_kml import GeoJsonSource, KmlSource
from shanhai.vector.source_crs import Numbers, System
from shanhai.vector.sources import FeatureSource, SourceBlock, Wishes, shapes_of

ENDINGS = frozenset({".shp", ".gdb", ".gpkg", ".fgb", ".geojson", ".kml"})
DEGREE_DIGITS = 9
"""A tenth of a millimetre: what a survey can tell."""
CELL_M = 10.0
"""Side of a cell where parcels become a raster; the land survey draws parcels from 200 m² on."""
CODE_FIELDS = ("code", "bsm")
THREE_DEGREES_CM_75 = 4534
"""CGCS2000 / 3-degree Gauss-Kruger CM 75E; the meridians after it follow."""


@dataclass(frozen=True, slots=True)
class FeaturesPlan:
    """How a layer is prepared: as objects of a collection, or as a raster of classes.

    Attributes:
        mapping: Field by field, the property it is.
        values: What properties are in every row.
        measures: By property, the field it is read from and what that is multiplied by.
        class_field: The field of the class codes, where the layer becomes a raster.
        classes: The table of the codes.
    """

    source: FeatureSource
    system: System
    collection: str = ""
    mapping: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    measures: Mapping[str, tuple[str, float]] = field(default_factory=dict)
    class_field: str = ""
    classes: str = ""
    cell_m: float = CELL_M


def look_at_features(
    paths: Sequence[Path], root: Path, answers: Answers, taken: Iterable[str] = ()
) -> list[DatasetFinding]:
    """What the layers of a folder are taken for; `taken` are names other datasets have."""
    found: list[DatasetFinding] = []
    names = set(taken)
    for path in paths:
        name = rasters.slug(path.stem)
        try:
            sources = list(_opened(path, name, answers))
        except InvalidInput as error:
            finding = DatasetFinding(name, (path,), "features")
            pointer = (error.faults[0].pointer if error.faults else "").rpartition("/")[2]
            if pointer in {"encoding", "layer"} and answers.get(f"{name}.{pointer}") is None:
                finding.ask(pointer, error.localised("zh"), error.localised("en"))
            else:
                finding.refuse(error)
            sources, found = [], [*found, finding]
        for source in sources:
            own = rasters.slug(source.info.layer or path.stem)
            own = rasters.free_name(own if own not in names else f"{name}_{own}", names)
            names.add(own)
            if not answers.is_set(f"{own}.skip"):
                found.append(_judged(own, path, source, root, answers))
    return found


def _opened(path: Path, name: str, answers: Answers) -> Iterator[FeatureSource]:
    wishes = Wishes(encoding=answers.get(f"{name}.encoding"), layer=answers.get(f"{name}.layer"))
    match path.suffix.lower():
        case ".gdb":
            yield from open_geodatabase(path)
        case ".shp":
            yield open_loose_shapefile(path, wishes)
        case ".geojson":
            yield GeoJsonSource(path, sequence=False)
        case ".kml":
            yield KmlSource(path)
        case ending:
            yield open_layer(path, "GPKG" if ending == ".gpkg" else "FlatGeobuf", wishes)


def _judged(
    name: str, path: Path, source: FeatureSource, root: Path, answers: Answers
) -> DatasetFinding:
    info = source.info
    finding = DatasetFinding(name, (path,), "features")
    judge_names(finding, [str(path.relative_to(root)), info.layer or "", info.crs or ""], answers)
    layer = words.layer_of(info.layer or path.stem) or words.layer_of(path.stem)
    if info.encoding_from != "format":
        shown = "、".join(info.samples)
        finding.say(
            f"文字编码 {info.encoding}（依据：{info.encoding_from}）{shown}",
            f"texts in {info.encoding}, by the {info.encoding_from}: {shown}",
        )
    if layer is not None:
        finding.say(
            f"名称为标准图层 {layer.key}：{layer.about}", f"named {layer.key}: {layer.about}"
        )
    try:
        bounds = _first_bounds(source)
        if bounds is None and finding.refusal is None:
            finding.refuse(InvalidInput("has no geometry", message_zh="没有几何"))
        system = judge_system(finding, info.crs, bounds, answers, any_datum=False)
        if finding.refusal is None:
            _judge_meaning(finding, source, system, layer, answers)
    except ShanhaiError as error:
        finding.refuse(_as_input(error))
    return finding


def _as_input(error: ShanhaiError) -> InvalidInput:
    return (
        error
        if isinstance(error, InvalidInput)
        else InvalidInput(error.message, message_zh=error.message_zh)
    )


def _first_bounds(source: FeatureSource) -> Numbers | None:
    for block in source.blocks():
        box = shapely.total_bounds(_shapes(block))
        if np.isfinite(box).all():
            return np.asarray(box)
    return None


def _shapes(block: SourceBlock) -> Any:
    shapes = shapes_of(block.geometry)
    given = np.array([one is not None for one in block.geometry])
    lost = int(np.count_nonzero(given & (shapes == None))) + len(block.broken)  # noqa: E711
    if lost:
        raise InvalidInput(
            f"{lost} of {len(block)} rows that were read have a geometry that cannot be read, such"
            " as a curve; simplify it first",
            message_zh=f"读取的 {len(block)} 行中有 {lost} 行几何无法读取（如曲线），请先转换",
            pointer="geometry",
        )
    return shapely.force_2d(shapes)


def _judge_meaning(
    finding: DatasetFinding,
    source: FeatureSource,
    system: System | None,
    layer: words.NationalLayer | None,
    answers: Answers,
) -> None:
    """What the layer is here, and how its fields are read."""
    _tell_units(finding, source.info.fields, layer)
    stated = answers.get(f"{finding.name}.collection")
    if stated is None and layer is not None and layer.theme is not None:
        plan = _class_plan(finding, source, system, layer, answers)
    else:
        entity = _entity(finding, stated or (layer.collection if layer else None))
        plan = (
            None
            if entity is None
            else _object_plan(finding, source, system, layer, entity, answers)
        )
    finding.plan = plan if not finding.questions else None


def _tell_units(
    finding: DatasetFinding, fields: Iterable[str], layer: words.NationalLayer | None
) -> None:
    for name in fields:
        unit = _unit_of(name, layer)
        if unit is not None:
            finding.say(f"字段 {name} 的单位为 {unit.name}", f"field {name} is in {unit.name}")


def _unit_of(name: str, layer: words.NationalLayer | None) -> words.NamedUnit | None:
    """The unit a field's name tells, or the standard of its layer."""
    told = words.unit_in_name(name)
    if told is not None:
        return told[1]
    fixed = None if layer is None else layer.units.get(name.upper())
    return None if fixed is None else words.unit_named(fixed)


def _class_plan(
    finding: DatasetFinding,
    source: FeatureSource,
    system: System | None,
    layer: words.NationalLayer,
    answers: Answers,
) -> FeaturesPlan | None:
    finding.taken_for = layer.theme
    stated = answers.get(f"{finding.name}.class_field")
    by_upper = {name.upper(): name for name in source.info.fields}
    chosen = by_upper.get((stated or layer.class_field).upper())
    if chosen is None:
        finding.ask(
            "class_field",
            f"没有字段 {stated or layer.class_field}，地类编码在哪个字段？",
            f"there is no field {stated or layer.class_field}; which holds the class codes?",
            source.info.fields,
        )
    classes = answers.get(f"{finding.name}.classes") or layer.classes
    if classes not in LAND_SURVEY:
        raise rasters.no_choice(f"{finding.name}.classes", classes, LAND_SURVEY)
    cell_m = answers.number(f"{finding.name}.cell_m") or CELL_M
    finding.say(
        f"字段 {chosen} 按 {classes} 归为土地覆盖类别，栅格化为 {cell_m:g} 米像元",
        f"its field {chosen} gives the land cover by {classes}, in cells of {cell_m:g} m",
    )
    if chosen is None or system is None:
        return None
    return FeaturesPlan(source, system, class_field=chosen, classes=classes, cell_m=cell_m)


def _entity(finding: DatasetFinding, name: str | None) -> Entity | None:
    """The collection of a name; asked for where there is none."""
    known = {
        one.name: one
        for one in COLLECTIONS
        if one.editing is not None and one.geometry_column is not None
    }
    if name is None:
        finding.ask(
            "collection",
            "图层名称不是已知的标准图层，这些对象属于哪个集合？",
            "its name is no layer of a known standard; which collection are its rows of?",
            sorted(known),
        )
        return None
    if name not in known:
        raise rasters.no_choice(f"{finding.name}.collection", name, sorted(known))
    finding.taken_for = name
    return known[name]


def _object_plan(
    finding: DatasetFinding,
    source: FeatureSource,
    system: System | None,
    layer: words.NationalLayer | None,
    entity: Entity,
    answers: Answers,
) -> FeaturesPlan | None:
    fields = source.info.fields
    mapping = _mapping(finding, fields, layer, entity, answers)
    measures = _measures(finding, fields, layer, entity, answers)
    taken = {*mapping.values(), *measures, *(name.lower() for name in fields)}
    values = _values(finding, layer, entity, taken, answers)
    if system is None:
        return None
    return FeaturesPlan(source, system, entity.name, mapping, values, measures)


def _mapping(
    finding: DatasetFinding,
    fields: Sequence[str],
    layer: words.NationalLayer | None,
    entity: Entity,
    answers: Answers,
) -> dict[str, str]:
    """Which property each field is: as stated, or by the standard; one field for a property."""
    by_upper = {name.upper(): name for name in fields}
    stated = dict(answers.member(f"{finding.name}.mapping") or {})
    code_field = answers.get(f"{finding.name}.code_field")
    if code_field is not None:
        stated[code_field] = "code"
    found: dict[str, str] = {}
    standard = {} if layer is None or layer.collection != entity.name else layer.mapping
    for name, target in [*stated.items(), *standard.items()]:
        own = by_upper.get(name.upper())
        if own is None and name in stated:
            raise rasters.no_choice(f"{finding.name}.mapping", name, fields)
        if entity.declared(str(target)) is None:
            choices = [item.name for item in entity.receivables]
            raise rasters.no_choice(f"{finding.name}.mapping.{name}", str(target), choices)
        if own is not None and own not in found and target not in found.values():
            found[own] = str(target)
    if "code" not in found.values():
        own = next((by_upper[one.upper()] for one in CODE_FIELDS if one.upper() in by_upper), None)
        if own is not None:
            found[own] = "code"
        else:
            finding.ask(
                "code_field",
                "哪个字段是代码（每行唯一）？",
                "which field holds the code, another one in every row?",
                fields,
            )
    for name, target in found.items():
        finding.say(f"字段 {name} → {target}", f"field {name} is {target}")
    return found


def _measures(
    finding: DatasetFinding,
    fields: Sequence[str],
    layer: words.NationalLayer | None,
    entity: Entity,
    answers: Answers,
) -> dict[str, tuple[str, float]]:
    """Properties that are read from fields which measure in units of their own."""
    found: dict[str, tuple[str, float]] = {}
    for item in entity.receivables:
        wanted = None if item.unit is None else words.unit_named(item.unit)
        name = None if wanted is None else _measuring(item, fields, layer)
        if wanted is None or name is None:
            continue
        unit = _stated_unit(finding, name, layer, answers)
        if unit is None or unit.of != wanted.of:
            finding.ask(
                f"unit.{name}",
                f"字段 {name} 将作为 {item.name}（{item.unit}），其单位是什么？",
                f"field {name} would be {item.name} in {item.unit}; which unit is it in?",
                sorted(one for one, known in words.UNITS.items() if known.of == wanted.of),
            )
        else:
            factor = unit.factor / wanted.factor
            found[item.name] = (name, factor)
            finding.say(
                f"{item.name} = {name} × {factor:g}（{unit.name} → {item.unit}）",
                f"{item.name} is {name} times {factor:g}, from {unit.name} to {item.unit}",
            )
    return found


def _measuring(
    item: Property, fields: Sequence[str], layer: words.NationalLayer | None
) -> str | None:
    """The field a property with a unit is read from, unless one has its very name."""
    if any(name.lower() == item.name for name in fields):
        return None
    named = {one.upper() for one in (layer.measures if layer else {}).get(item.name, ())}
    base = item.name.rpartition("_")[0]
    for name in fields:
        told = words.unit_in_name(name)
        plain = (told[0] if told else name).upper()
        if plain in named or (
            told and {"面积": "area", "长度": "length"}.get(plain, plain.lower()) == base
        ):
            return name
    return None


def _stated_unit(
    finding: DatasetFinding, name: str, layer: words.NationalLayer | None, answers: Answers
) -> words.NamedUnit | None:
    key = f"{finding.name}.unit.{name}"
    stated = answers.get(key)
    if stated is None:
        return _unit_of(name, layer)
    unit = words.unit_named(stated)
    if unit is None:
        raise rasters.no_choice(key, stated, words.UNITS)
    return unit


def _values(
    finding: DatasetFinding,
    layer: words.NationalLayer | None,
    entity: Entity,
    taken: Iterable[str],
    answers: Answers,
) -> dict[str, str]:
    """What is the same in every row: by the standard, as answered, or asked where it must be."""
    standard = {} if layer is None or layer.collection != entity.name else dict(layer.values)
    found: dict[str, str] = {}
    for item in entity.receivables:
        value = answers.get(f"{finding.name}.{item.name}") or standard.get(item.name)
        if value is None and item.name == "region" and item.required:
            value = answers.get("region")
        if item.name in taken and value is None:
            continue
        choices = item.schema.get("enum") or ()
        if value is not None and choices and value not in choices:
            raise rasters.no_choice(f"{finding.name}.{item.name}", value, choices)
        if value is not None and item.name not in {"code"}:
            found[item.name] = value
            finding.say(f"各行 {item.name} = {value}", f"{item.name} is {value} in every row")
        # The region of all is asked for once.
        elif item.required and item.name not in {"code", "region"}:
            finding.ask(
                item.name,
                f"文件没有 {item.title.zh}（{item.name}），各行相同的值是什么？",
                f"no field holds {item.name}; what is it in every row?",
                choices,
            )
    return found


def prepare_features(finding: DatasetFinding, region: str, out: Path, answers: Answers) -> Path:
    """Write a layer and its description into `out`; the description's path.

    Raises:
        InvalidInput: a class code or a position cannot be taken.
    """
    plan: FeaturesPlan = finding.plan
    if plan.class_field:
        return _prepare_classes(finding, plan, region, out, answers)
    path = out / f"{finding.name}.geojson"
    draft = path.with_suffix(".part")
    rows = 0
    with draft.open("w", encoding="utf-8") as file:
        file.write('{"type":"FeatureCollection","features":[')
        for row in _rows(finding, plan):
            file.write(("," if rows else "") + "\n" + row)
            rows += 1
        file.write("\n]}\n")
    draft.replace(path)
    added = {name: name for name in (*plan.values, *plan.measures)}
    description = FeaturesDescription(
        file=path.name,
        collection=plan.collection,
        mapping=dict(plan.mapping) | added,
        rows=rows,
        source=answers.get(f"{finding.name}.source")
        or answers.get("source")
        or rasters.named_files(finding.files),
        processing="; ".join(reason.en for reason in finding.reasons),
        sha256=sha256_of(path),
    )
    told = out / f"{finding.name}{FEATURES}"
    told.write_text(description.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return told


def _rows(finding: DatasetFinding, plan: FeaturesPlan) -> Iterator[str]:
    """The rows as GeoJSON, longitude and latitude on CGCS2000."""
    for block in plan.source.blocks():
        shapes = _in_degrees(finding, _shapes(block), plan.system)
        texts = shapely.to_geojson(shapes)
        for number, text in enumerate(texts):
            told = {name: _plain(column[number]) for name, column in block.columns.items()}
            for name, (source, factor) in plan.measures.items():
                told[name] = _product(told.get(source), factor)
            properties = json.dumps(told | dict(plan.values), ensure_ascii=False)
            yield f'{{"type":"Feature","properties":{properties},"geometry":{text or "null"}}}'


def _in_degrees(finding: DatasetFinding, shapes: Any, system: System) -> Any:
    moved = shapely.transform(
        shapes, lambda points: np.round(system.degrees(points), DEGREE_DIGITS)
    )
    if not np.isfinite(shapely.get_coordinates(moved)).all():
        raise InvalidInput(
            f"{finding.name}: positions lie where {system.name} is not defined; another system?",
            message_zh=f"{finding.name}：部分坐标超出 {system.name} 的适用范围，坐标系有误？",
            pointer=f"{finding.name}.crs",
        )
    return moved


def _plain(value: Any) -> Any:
    """A value as JSON has it; None for what it cannot have."""
    if isinstance(value, datetime) and value.tzinfo is None and value.time() == time.min:
        value = value.date()  # formats without a date of their own write a day as its first moment
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes) or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return value


def _product(value: Any, factor: float) -> float | None:
    """A number in another unit, to the digits a double tells for certain."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return float(f"{number * factor:.12g}")


def _prepare_classes(
    finding: DatasetFinding, plan: FeaturesPlan, region: str, out: Path, answers: Answers
) -> Path:
    """Write the land cover of parcels as a raster."""
    box, unknown = _survey(finding, plan)
    if unknown:
        listed = ", ".join(f"{code!r} ({rows})" for code, rows in [*unknown.items()][:MOST_NAMED])
        raise InvalidInput(
            f"{finding.name}: codes in {plan.class_field} without a class in {plan.classes}:"
            f" {listed}",
            message_zh=f"{finding.name}：{plan.class_field} 中有 {plan.classes} 未列编码：{listed}",
            pointer=f"{finding.name}.classes",
        )
    middle = round((box[0] + box[2]) / 2 / 3)
    number = THREE_DEGREES_CM_75 + middle - 25
    change = transformer(LON_LAT, f"EPSG:{number}")
    path = out / "land_cover.tif"
    bounds = change.transform_bounds(*box)

    def parcels() -> Iterator[list[tuple[Any, int]]]:
        for block in plan.source.blocks():
            degrees = _in_degrees(finding, _shapes(block), plan.system)
            placed = shapely.transform(
                degrees, lambda points: np.column_stack(change.transform(*points.T))
            )
            codes = block.columns[plan.class_field]
            yield [
                (shape, int(land_survey_class(str(code), plan.classes) or 0))
                for shape, code in zip(placed, codes, strict=True)
                if shape is not None and not shape.is_empty and code not in {None, ""}
            ]

    write_classes(path, parcels(), bounds, CRS.from_epsg(number), plan.cell_m)
    return rasters.describe(
        finding,
        region,
        path,
        answers,
        native_resolution_m=plan.cell_m,
        legend="internal",
        year=words.year_of(finding.files[0].stem),
    )


def _survey(
    finding: DatasetFinding, plan: FeaturesPlan
) -> tuple[tuple[float, float, float, float], dict[str, int]]:
    """The box of all parcels in degrees, and codes without a class with the rows that have them."""
    boxes: list[Numbers] = []
    unknown: dict[str, int] = {}
    for block in plan.source.blocks():
        boxes.append(shapely.total_bounds(_in_degrees(finding, _shapes(block), plan.system)))
        for code in block.columns[plan.class_field]:
            if code not in {None, ""} and land_survey_class(str(code), plan.classes) is None:
                unknown[str(code)] = unknown.get(str(code), 0) + 1
    each = np.array(boxes)
    west, south = np.nanmin(each[:, :2], axis=0)
    east, north = np.nanmax(each[:, 2:], axis=0)
    return (float(west), float(south), float(east), float(north)), unknown
