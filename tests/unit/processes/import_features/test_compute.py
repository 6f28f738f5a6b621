"""Files of features judged row by row, without a database."""

import csv
import json
import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from pyproj import Transformer

from shanhai.db.collections.catalogue import entity_named
from shanhai.db.collections.regions import REGIONS
from shanhai.errors import InvalidInput
from shanhai.processes.import_features.compute import compute
from shanhai.processes.import_features.contract import ImportFeaturesTask
from shanhai.processes.import_features.findings import (
    ACCEPTED,
    read_accepted,
    written_properties,
)
from shanhai.processes.kit.task import Outcome, RegionTask
from shanhai.vector.formats import FILE_FORMATS, FormatName
from shanhai.vector.tables import FeatureColumn, FeatureTable
from shanhai.vector.writer import write_table
from tests.support import handed_over

DAY = date(2024, 5, 6)
COLUMNS = (
    FeatureColumn("code", "text"),
    FeatureColumn("name_zh", "text"),
    FeatureColumn("name_en", "text"),
    FeatureColumn("level", "text"),
)
BOW_TIE = shapely.Polygon([(118, 24), (118.2, 24.2), (118.2, 24), (118, 24.2), (118, 24)])


@dataclass(frozen=True)
class Judged:
    outcome: Outcome
    folder: Path

    @property
    def summary(self) -> dict[str, Any]:
        found: dict[str, Any] = self.outcome.values["summary"]
        return found

    @property
    def findings(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads((self.folder / "report.json").read_text())[
            "findings"
        ]
        return found

    def told(self, *members: str) -> list[tuple[Any, ...]]:
        return [tuple(item[name] for name in members) for item in self.findings]

    def accepted(self) -> list[tuple[Any, ...]]:
        properties = written_properties(REGIONS, self.outcome.values["fields"])
        rejected = set(self.outcome.values["rejected_rows"])
        blocks = read_accepted(self.folder / ACCEPTED, properties, rejected)
        return [row for block in blocks for row in block]


Judge = Callable[..., Judged]


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    def run(path: Path, *, area: Any = None, references: Any = None, **inputs: Any) -> Judged:
        folder = tmp_path / "work"
        folder.mkdir()
        task = ImportFeaturesTask(
            process="import-features",
            inputs={"upload": str(uuid4()), "collection": "regions", **inputs},
            upload_uri="uploads/x",
            files={"uploads/x": str(path)},
            region=area,
            references=references or {},
        )
        return Judged(compute(task, folder, lambda percent, stage: None), folder)

    return run


def row(number: int, geometry: Any, **changed: Any) -> list[Any]:
    values = {"code": f"r.{number}", "name_zh": "区", "name_en": "Place", "level": "district"}
    values.update(changed)
    wkb = None if geometry is None else shapely.to_wkb(geometry)
    return [wkb, *(values[column.name] for column in COLUMNS)]


def square(west: float, size: float = 0.1) -> Any:
    return shapely.box(west, 24, west + size, 24 + size)


def made(tmp_path: Path, rows: list[list[Any]], name: FormatName = "gpkg", **options: Any) -> Path:
    described: dict[str, Any] = {"geometry_type": "Unknown", "epsg": 4490, **options}
    path = tmp_path / f"made{FILE_FORMATS[name].suffix}"
    write_table(path, FeatureTable("things", COLUMNS, [rows], **described), name)
    return path


def test_rows_that_pass_are_kept_as_the_collection_has_them(tmp_path: Path, judge: Judge) -> None:
    judged = judge(made(tmp_path, [row(1, square(118)), row(2, None)]))
    assert judged.summary["passed"] == 2
    assert judged.findings == []
    first, second = judged.accepted()
    assert first[:2] == (1, "r.1")
    assert shapely.from_wkb(first[2]).geom_type == "MultiPolygon"
    assert first[3] is None
    assert json.loads(first[5]) == "区"
    assert second[2] is None


def test_every_kind_of_fault_names_its_row(tmp_path: Path, judge: Judge) -> None:
    rows = [
        row(1, BOW_TIE),
        row(2, square(118), code=None),
        row(3, square(118), code="no spaces allowed"),
        row(4, square(118), level="nonsense"),
        row(5, square(118), name_zh=None),
        row(6, shapely.Point(118, 24)),
        row(7, shapely.Polygon([(118, 24, 5), (118.1, 24, 5), (118, 24.1, 5)])),
        row(8, shapely.box(24, 118, 24.1, 118.1)),
        row(9, square(118)),
        row(10, square(118), code="r.9"),
    ]
    judged = judge(made(tmp_path, rows))
    assert sorted(judged.told("row", "rule", "member")) == [
        (1, "invalid", "geometry"),
        (2, "code", "code"),
        (3, "code", "code"),
        (4, "type", "level"),
        (5, "required", "name_zh"),
        (6, "geometry", "geometry"),
        (7, "dimension", "geometry"),
        (8, "crs", "geometry"),
        (10, "duplicate", "code"),
    ]
    crossing = next(item for item in judged.findings if item["rule"] == "invalid")
    assert (crossing["lon"], crossing["lat"]) == pytest.approx((118.1, 24.1))
    assert "自相交" in crossing["detail_zh"]
    swapped = next(item for item in judged.findings if item["rule"] == "crs")
    assert "swapped" in swapped["detail"]
    assert [item[0] for item in judged.accepted()] == [9]


@pytest.mark.parametrize(
    ("collection", "field", "mapping"),
    [("zones", "scheme", {}), ("provisions", "规划", {"规划": "plan"})],
)
def test_codes_repeat_in_other_plans_and_schemes(
    tmp_path: Path, judge: Judge, collection: str, field: str, mapping: dict[str, str]
) -> None:
    path = tmp_path / "made.csv"
    path.write_text(f"code,{field}\nc.1,a\nc.1,b\nc.1, a\nc.2,a\n", "utf-8")
    judged = judge(path, collection=collection, mapping=mapping)
    found = [one for one in judged.told("row", "rule", "member") if one[1] == "duplicate"]
    assert found == [(3, "duplicate", "code")]


def test_shapes_that_cannot_be_meant_are_told_by_value_and_rule(
    tmp_path: Path, judge: Judge
) -> None:
    rings = {
        "beyond": [[118, 24], [119, 24], [119, 91], [118, 24]],
        "across": [[179, -17], [-179, -17], [-179, -16], [179, -17]],
        "open": [[118, 24], [119, 24], [119, 25], [118, 25]],
        "closed": [[118, 24], [119, 24], [119, 25], [118, 24]],
    }
    features = [
        {
            "type": "Feature",
            "properties": {"code": code, "name_zh": "区", "name_en": "Place", "level": "district"},
            "geometry": {"type": "Polygon", "coordinates": [ring]},
        }
        for code, ring in rings.items()
    ]
    path = tmp_path / "drawn.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    judged = judge(path)
    told = {code: (detail, zh) for code, detail, zh in judged.told("code", "detail", "detail_zh")}
    assert told.keys() == {"beyond", "across", "open"}
    assert "(119, 91)" in told["beyond"][0]
    assert "latitude within ±90" in told["beyond"][0]
    assert "358° of longitude" in told["across"][0]
    assert "begins at [118, 24] and ends at [118, 25]" in told["open"][0]
    assert "环未闭合" in told["open"][1]


def test_a_geojson_without_features_is_told_as_one(tmp_path: Path, judge: Judge) -> None:
    path = tmp_path / "empty.geojson"
    path.write_text('{"type":"FeatureCollection","features":[]}')
    with pytest.raises(InvalidInput, match="has no features"):
        judge(path)


def test_a_curve_is_refused_by_row(tmp_path: Path, judge: Judge) -> None:
    path = handed_over.write_curve(tmp_path / "curve.gpkg")
    assert judge(path).told("row", "rule") == [(1, "dimension")]


def test_repair_mends_and_says_so(tmp_path: Path, judge: Judge) -> None:
    raised = shapely.Polygon([(118, 24, 5), (118.1, 24, 5), (118, 24.1, 5)])
    judged = judge(made(tmp_path, [row(1, BOW_TIE), row(2, raised)]), repair=True)
    assert judged.told("rule", "severity") == [("repaired", "note")] * 2
    shapes = [shapely.from_wkb(item[2]) for item in judged.accepted()]
    assert all(shape.is_valid and not shape.has_z for shape in shapes)
    # What was mended keeps its original; a height that was dropped needs none.
    mended, dropped = (item[3] for item in judged.accepted())
    account = json.loads(mended)
    assert not shapely.from_wkb(account["original_wkb"]).is_valid
    assert account["reason"].startswith("Self-intersection")
    assert dropped is None


def test_overlaps_reject_the_later_row(tmp_path: Path, judge: Judge) -> None:
    rows = [row(1, square(118)), row(2, square(118.1)), row(3, square(118.15))]
    judged = judge(made(tmp_path, rows), checks=["overlap"])
    assert judged.told("row", "code", "rule") == [(3, "r.3", "overlap")]
    assert "row 2 (r.2)" in judged.findings[0]["detail"]
    assert judged.findings[0]["lon"] == pytest.approx(118.175, abs=0.02)


def test_gaps_in_the_region_are_told(tmp_path: Path, judge: Judge) -> None:
    region = RegionTask(
        code="city",
        name_zh="市",
        name_en="City",
        epsg=4548,
        geometry=shapely.geometry.mapping(shapely.box(118, 24, 118.3, 24.1)),
    )
    rows = [row(1, square(118)), row(2, square(118.2))]
    judged = judge(made(tmp_path, rows), checks=["gap"], region="city", area=region)
    assert judged.told("row", "rule") == [(0, "gap")]
    assert judged.findings[0]["lon"] == pytest.approx(118.15)
    assert judged.outcome.values["general_errors"] == 1


def test_unknown_references_are_told(tmp_path: Path, judge: Judge) -> None:
    path = tmp_path / "upload.csv"
    path.write_text(
        "code,name_zh,name_en,level,parent\na,区,A,district,city\nb,区,B,district,town\n"
    )
    judged = judge(path, references={"parent": ["city"]})
    assert judged.told("row", "rule", "member") == [(2, "reference", "parent")]


@pytest.mark.parametrize("prefix", [True, False])
def test_gauss_kruger_lands_where_it_should(tmp_path: Path, judge: Judge, prefix: bool) -> None:
    place = Transformer.from_crs(4490, 4548, always_xy=True)
    moved = shapely.transform(square(117.2), lambda xy: np.column_stack(place.transform(*xy.T)))
    if prefix:
        moved = shapely.transform(moved, lambda xy: xy + np.array([39e6, 0]))
    judged = judge(made(tmp_path, [row(1, moved)], "shp", epsg=4548, geometry_type="Polygon"))
    west, south, *_ = shapely.from_wkb(judged.accepted()[0][2]).bounds
    assert (west, south) == pytest.approx((117.2, 24), abs=1e-6)
    assert judged.summary["zone_in_eastings"] == (39 if prefix else None)


def test_fields_are_matched_by_mapping_and_short_name(tmp_path: Path, judge: Judge) -> None:
    path = tmp_path / "upload.csv"
    path.write_text("DM,MC,NAME_EN,level,other\na,区,A,district,x\n", encoding="utf-8")
    judged = judge(path, mapping={"DM": "code", "MC": "name_zh"})
    assert judged.summary["mapping"] == {"MC": "name_zh", "NAME_EN": "name_en", "level": "level"}
    assert (judged.summary["own_fields"], judged.summary["ignored"]) == (["other"], [])


@pytest.mark.parametrize("mapping", [{"nowhere": "name_zh"}, {"MC": "nonsense"}, {}])
def test_mappings_that_lead_nowhere_are_refused(
    tmp_path: Path, judge: Judge, mapping: dict[str, str]
) -> None:
    path = tmp_path / "upload.csv"
    path.write_text("DM,MC\na,区\n", encoding="utf-8")
    with pytest.raises(InvalidInput) as refused:
        judge(path, mapping=mapping)
    assert refused.value.faults[0].pointer.startswith("/inputs/mapping")


def test_reports_come_as_table_and_page_too(tmp_path: Path, judge: Judge) -> None:
    judged = judge(made(tmp_path, [row(1, BOW_TIE, code="=danger")]))
    text = (judged.folder / "report.csv").read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(text.splitlines()))
    assert {item["rule"] for item in rows} == {"code", "invalid"}
    assert "'=danger" in text
    page = (judged.folder / "report.html").read_text(encoding="utf-8")
    assert "自相交" in page
    assert "<script" not in page


def test_too_many_vertices_are_refused(tmp_path: Path, judge: Judge) -> None:
    angles = np.linspace(0, 2 * np.pi, 500_002)
    ring = shapely.Polygon(np.column_stack([118 + np.cos(angles) / 9, 24 + np.sin(angles) / 9]))
    judged = judge(made(tmp_path, [row(1, ring)]))
    assert judged.told("rule") == [("vertices",)]


def stations(tmp_path: Path, position: str) -> dict[str, Path]:
    """One point in each format that is text, and in two that are not."""
    east, north = position.split()
    feature = (
        f'{{"type":"Feature","geometry":{{"type":"Point","coordinates":[{east},{north}]}},'
        '"properties":{"code":"r.1","name_zh":"站"}}'
    )
    plain = position.replace('"', "")
    texts = {
        "geojson": f'{{"type":"FeatureCollection","features":[{feature}]}}',
        "geojsonseq": f"{feature}\n{feature.replace('r.1', 'r.2')}\n",
        "csv": f"code,name_zh,geometry\nr.1,站,POINT ({plain})\n",
        "columns": f"code,name_zh,lon,lat\nr.1,站,{plain.replace(' ', ',')}\n",
        "kml": '<kml xmlns="http://www.opengis.net/kml/2.2"><Placemark id="r.1"><Point>'
        f"<coordinates>{plain.replace(' ', ',')}</coordinates></Point></Placemark></kml>",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    return {name: tmp_path / name for name in texts}


@pytest.mark.parametrize("name", ["geojson", "geojsonseq", "csv", "columns", "kml"])
@pytest.mark.parametrize("position", ["NaN 24.5", "NaN NaN", "118.1 Infinity"])
def test_a_place_that_is_no_number_is_refused_and_named(
    tmp_path: Path, judge: Judge, name: str, position: str
) -> None:
    judged = judge(stations(tmp_path, position)[name], collection="stations", crs="EPSG:4326")
    assert judged.summary["passed"] == 0
    assert (1, "r.1") in judged.told("row", "code")
    assert judged.told("rule")[0][0] in {"unreadable", "crs"}


@pytest.mark.parametrize(
    "position", ['"118.1" "24.5"', "null 24.5", '118.1 "24.5"', "true 24.5", "[118.1] 24.5"]
)
@pytest.mark.parametrize("name", ["geojson", "geojsonseq"])
def test_a_position_of_other_values_than_numbers_is_refused(
    tmp_path: Path, judge: Judge, name: str, position: str
) -> None:
    judged = judge(stations(tmp_path, position)[name], collection="stations")
    assert judged.summary["passed"] == 0
    assert judged.told("row", "code", "rule")[0] == (1, "r.1", "unreadable")


@pytest.mark.parametrize("name", ["gpkg", "fgb", "parquet"])
def test_half_a_place_is_refused_in_files_that_hold_it(
    tmp_path: Path, judge: Judge, name: FormatName
) -> None:
    wkb = struct.pack("<BIdd", 1, 1, math.nan, 24.5)
    if name == "parquet":
        path = tmp_path / "made"
        geo = {"primary_column": "geometry", "columns": {"geometry": {"encoding": "WKB"}}}
        table = pa.table({"code": ["r.1"], "geometry": pa.array([wkb], pa.binary())})
        pq.write_table(table.replace_schema_metadata({"geo": json.dumps(geo)}), path)
    else:
        path = made(tmp_path, [row(1, shapely.from_wkb(wkb))], name, geometry_type="Point")
    judged = judge(path, collection="stations")
    assert judged.summary["passed"] == 0
    assert judged.told("row", "code")[0] == (1, "r.1")


@pytest.mark.parametrize("collection", ["regions", "control_areas"])
def test_fields_of_a_bureau_are_kept_as_they_are(
    tmp_path: Path, judge: Judge, collection: str
) -> None:
    columns = (
        *COLUMNS,
        FeatureColumn("DLBM", "text"),
        FeatureColumn("TBMJ", "number"),
        FeatureColumn("FID", "integer"),
        FeatureColumn("area_km2", "number"),
        FeatureColumn("BHRQ", "date"),
    )
    rows = [
        [shapely.to_wkb(square(118)), "r.1", "区", "P", "district", "0301", 12.5, 1, 2.0, DAY],
        [shapely.to_wkb(square(119)), "r.2", "区", "P", "district", None, None, 2, 2.0, None],
    ]
    path = tmp_path / "made.zip"
    write_table(path, FeatureTable("图斑", columns, [rows], "Polygon", 4490), "shp", encoding="GBK")
    judged = judge(path, collection=collection, mode="valid_rows")
    assert judged.summary["own_fields"] == ["DLBM", "TBMJ", "BHRQ"]
    assert {"FID", "area_km2"} <= {*judged.summary["ignored"]}
    properties = written_properties(entity_named(collection), judged.outcome.values["fields"])
    place = 5 + [item.name for item in properties].index("fields")
    (block,) = read_accepted(judged.folder / ACCEPTED, properties, ())
    kept = [None if item[place] is None else json.loads(item[place]) for item in block]
    assert kept == [{"DLBM": "0301", "TBMJ": 12.5, "BHRQ": "2024-05-06"}, None]


def parquet(path: Path, **columns: pa.Array) -> Path:
    told = {"code": ["r.1"], "name_zh": ["区"], "name_en": ["Place"], "level": ["district"]}
    geometry = pa.array([shapely.to_wkb(square(118))])
    about = {"primary_column": "geometry", "columns": {"geometry": {"encoding": "WKB"}}}
    table = pa.table({**told, **columns, "geometry": geometry})
    pq.write_table(table.replace_schema_metadata({"geo": json.dumps(about)}), path)
    return path


def test_own_fields_of_any_type_are_kept_or_named(tmp_path: Path, judge: Judge) -> None:
    columns = {
        "TBMJ": pa.array([Decimal("12.50")]),
        "LONG": pa.array([Decimal("12345678901234567.89")]),
        "SPAN": pa.array([timedelta(days=1)]),
        "MANY": pa.array([{"a": [Decimal("1.5")], "day": DAY}]),
        "AT": pa.array([datetime(2024, 5, 6, 8, 30)]),  # noqa: DTZ001 - as a bureau's file has it
        "PHOTO": pa.array([b"\xff"]),
        "stated_area_km2": pa.array([Decimal("2.5")]),
    }
    judged = judge(parquet(tmp_path / "made.parquet", **columns))
    ((*_, area, fields),) = judged.accepted()
    assert json.loads(area) == 2.5
    assert json.loads(fields) == {
        "TBMJ": 12.5,
        "LONG": "12345678901234567.89",
        "SPAN": "1 day, 0:00:00",
        "AT": "2024-05-06T08:30:00",
        "MANY": {"a": [1.5], "day": "2024-05-06"},
    }
    assert judged.told("member", "severity") == [("fields.PHOTO", "note")]


def test_what_no_text_or_day_can_hold_is_named(tmp_path: Path, judge: Judge) -> None:
    far = parquet(tmp_path / "far.parquet", BHRQ=pa.array([50_000_000], pa.date32()))
    with pytest.raises(InvalidInput, match="'BHRQ'"):
        judge(far)
    (tmp_path / "work").rename(tmp_path / "far")
    with pytest.raises(InvalidInput, match="x00"):
        judge(parquet(tmp_path / "named.parquet", **{"a\x00b": pa.array([1])}))
    (tmp_path / "work").rename(tmp_path / "named")
    judged = judge(parquet(tmp_path / "nul.parquet", MC=pa.array(["a\x00b"])), mode="check")
    assert judged.summary["preview"][0][-1] == "a\\x00b"


def test_a_number_is_not_what_only_python_takes_for_one(tmp_path: Path, judge: Judge) -> None:
    path = tmp_path / "upload"
    path.write_text("code,name_zh,level,stated_area_km2\nr.1,区,district,1_000\n")
    assert judge(path).told("member", "rule") == [("stated_area_km2", "type")]


def test_an_object_is_no_text(tmp_path: Path, judge: Judge) -> None:
    path = tmp_path / "upload"
    members = {"code": "r.1", "name_zh": {"zh": "区"}, "level": "district"}
    path.write_text(json.dumps({"type": "Feature", "geometry": None, "properties": members}))
    assert judge(path).told("member", "rule") == [("name_zh", "type")]


def test_own_fields_go_with_those_kept_before(tmp_path: Path, judge: Judge) -> None:
    path = tmp_path / "upload"
    feature = {
        "type": "Feature",
        "geometry": None,
        "properties": {
            "code": "r.1",
            "name_zh": "区",
            "name_en": "Place",
            "level": "district",
            "fields": {"DLBM": "0301", "TBMJ": 1},
            "TBMJ": 2,
        },
    }
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    judged = judge(path)
    ((*_, fields),) = judged.accepted()
    assert json.loads(fields) == {"DLBM": "0301", "TBMJ": 2}


def test_a_check_shows_the_fields_and_the_first_rows(tmp_path: Path, judge: Judge) -> None:
    rows = [row(number, square(118 + number)) for number in range(7)]
    judged = judge(made(tmp_path, [*rows, row(8, square(118), level="nonsense")]), mode="check")
    assert judged.summary["columns"] == ["code", "name_zh", "name_en", "level"]
    assert judged.summary["preview"] == [
        [f"r.{number}", "区", "Place", "district"] for number in range(5)
    ]
    assert judged.told("row", "member") == [(8, "level")]


def test_a_check_of_a_file_without_codes_shows_what_could_hold_them(
    tmp_path: Path, judge: Judge
) -> None:
    path = tmp_path / "made.csv"
    path.write_text("BSM,MC\nr.1,区\n,\n", "utf-8")
    judged = judge(path, mode="check")
    assert judged.summary["columns"] == ["BSM", "MC"]
    assert judged.summary["preview"][0] == ["r.1", "区"]
    assert judged.summary["code_from"] is None
    assert judged.summary["passed"] == 0
    [found] = judged.findings
    assert found["row"] == 0
    assert "'BSM'" in found["detail_zh"]


def test_a_file_in_xian_80_is_moved_by_the_stated_shift_and_the_report_tells_it(
    tmp_path: Path, judge: Judge
) -> None:
    path = made(tmp_path, [row(1, square(118))], epsg=4610)
    with pytest.raises(InvalidInput, match="or state them as `datum_shift`"):
        judge(path)
    (tmp_path / "work").rename(tmp_path / "refused")
    # A second of arc about the axis of the earth is a second of longitude.
    shift = "position_vector:0,0,0,0,0,1,0"
    judged = judge(path, datum_shift=shift)
    assert judged.summary["datum_shift"] == shift
    west = shapely.from_wkb(judged.accepted()[0][2]).bounds[0]
    assert west == pytest.approx(118 + 1 / 3600, abs=1e-9)
