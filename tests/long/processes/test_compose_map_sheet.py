"""Whole sheets, made of rasters whose cells are counted by hand, and read back from their PDF."""

import json
import re
import resource
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image
from pypdf import PdfReader
from shapely import box
from shapely.geometry import mapping

from shanhai.errors import InvalidInput
from shanhai.processes.compose_map_sheet import contract
from shanhai.processes.compose_map_sheet.compute import compute
from shanhai.processes.compose_map_sheet.page import SheetPage
from shanhai.processes.kit.task import DatasetTask, DistrictTask, Outcome, RegionTask
from shanhai.raster.cog import CogFrame, write_cog
from shanhai.raster.crs import LON_LAT, reproject_geometry
from shanhai.science.grid import Grid, Window

OF_PAGES = SheetPage.drawn
DEGREES = re.compile(r"\d+°\d\d′")
MOST_MB = 1_000
"""The most that drawing one sheet adds to the memory of the process."""
EPSG = 4548
GRID = Grid(EPSG, 600_000.0, 2_710_000.0, 100.0, 100, 100)
WEST, SOUTH, EAST, NORTH = GRID.bounds
SYSTEM = f"EPSG:{EPSG}"


def outline(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    shape = box(west, south, east, north).segmentize(100.0)
    return mapping(reproject_geometry(shape, SYSTEM, LON_LAT))


def write_classes(path: Path, codes: np.ndarray[Any, np.dtype[np.uint8]]) -> None:
    window = Window(0, 0, *codes.shape)
    write_cog(path, CogFrame.of_grid(GRID, categorical=True), [(window, codes[np.newaxis])])


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Land cover whose southern fifth is sea, and zones of the land but for its tenth column."""
    folder = tmp_path_factory.mktemp("rasters")
    cover = np.full((100, 100), 2, dtype=np.uint8)
    cover[80:] = 0
    zones = np.zeros((100, 100), dtype=np.uint8)
    zones[:80, :50], zones[:80, 50:90] = 1, 5
    found = {"land_cover": folder / "cover.tif", "zones": folder / "zones.tif"}
    write_classes(found["land_cover"], cover)
    write_classes(found["zones"], zones)
    return found


def dataset(theme: str, **values: Any) -> DatasetTask:
    return DatasetTask(
        **{
            "id": 1,
            "code": theme,
            "theme": theme,
            "uri": theme,
            "checksum": "",
            "name_zh": f"专题{theme}",
            "name_en": f"Theme {theme}",
            "licence": "CC BY 4.0, GeoNames",
            **values,
        }
    )


def sheet_task(
    files: Mapping[str, Path], *layers: contract.SheetLayerTask, **asked: Any
) -> contract.ComposeMapSheetTask:
    """The task of a sheet of a square of 10 km, at 1:100 000 unless told so."""
    inputs = {"region": "square", "layers": [{"kind": "raster", "theme": "zones"}], **asked}
    return contract.ComposeMapSheetTask(
        process="compose-map-sheet",
        inputs=inputs,
        datasets={theme: dataset(theme) for theme in files},
        files={theme: str(path) for theme, path in files.items()},
        sheet=contract.SheetTask(
            region=RegionTask(
                code="square",
                name_zh="方城",
                name_en="Square",
                epsg=EPSG,
                geometry=outline(WEST, SOUTH, EAST, NORTH),
                districts=[
                    DistrictTask(
                        code="east",
                        name_zh="东区",
                        name_en="East",
                        geometry=outline(WEST + 5_000, SOUTH, EAST, NORTH),
                    )
                ],
            ),
            bounds=(WEST - 200, SOUTH - 200, EAST + 200, NORTH + 200),
            orientation="landscape",
            scale=asked.get("scale", 100_000),
            title_zh="方城生态保护修复分区图",
            title_en="Square: zones",
            made_on=date(2026, 11, 23),
            secrecy="open",
            land_cover="land_cover" if "land_cover" in files else None,
            layers=list(layers),
        ),
    )


ZONES = contract.SheetLayerTask(
    kind="raster",
    title_zh="生态保护修复分区",
    title_en="Zones",
    dataset="zones",
    theme="zones",
)


def done(task: contract.ComposeMapSheetTask, folder: Path) -> Outcome:
    folder.mkdir(exist_ok=True)
    return compute(task, folder, lambda percent, stage: None)


def text_of(folder: Path) -> str:
    [page] = PdfReader(folder / "sheet.pdf").pages
    return page.extract_text()


def features(**values: Any) -> contract.SheetLayerTask:
    return contract.SheetLayerTask(
        **{"kind": "features", "title_zh": "生态廊道", "title_en": "Corridors", **values}
    )


def shape_of(geometry: dict[str, Any], name: str = "甲") -> contract.SheetShape:
    return contract.SheetShape(entry=0, name_zh=name, name_en="First", geometry=geometry)


ENTRY = contract.SheetEntry(label_zh="主廊道", label_en="Main", color="#0b6e4f")


def test_shares_are_those_of_the_land_and_cells_without_a_class_are_told(
    files: Mapping[str, Path], tmp_path: Path
) -> None:
    outcome = done(sheet_task(files, ZONES), tmp_path)
    [layer] = outcome.values["sheet"]["value"]["layers"]
    # Of 80 rows of land 50 columns are of the first class, 40 of the last, 10 of none.
    assert layer["shares_percent"]["strict_protection"] == 50.0
    assert layer["shares_percent"]["general_restoration"] == 40.0
    assert layer["no_data_percent"] == 10.0
    text = text_of(tmp_path)
    assert "（占区域陆域）" in text.replace(" ", "")
    assert "50.0 %" in text
    assert "40.0 %" in text
    assert "无数据" in text
    assert "10.0 %" in text
    assert outcome.warnings == []


def test_the_page_tells_all_that_belongs_to_a_sheet(
    files: Mapping[str, Path], tmp_path: Path
) -> None:
    task = sheet_task(files, ZONES, number="FC-03", issuer_zh="方城规划局", scale=100_000, dpi=100)
    outcome = done(task, tmp_path)
    text = "".join(text_of(tmp_path).split())
    for told in (
        "方城生态保护修复分区图",
        "图号：FC-03",
        "密级：公开",
        "编制单位：方城规划局",
        "编制日期：2026年11月23日",
        "审图号：未送审",
        "比例尺",
        "1:100000",
        "2000国家大地坐标系，高斯-克吕格投影，3°带，中央经线117°",
        "图例",
        "区位图",
        "海域",
        "资料来源",
        "CCBY4.0,GeoNames",
        "118°05′E",
        "24°25′N",
        "东区",
        "N",
    ):
        assert told in text, told
    page = PdfReader(tmp_path / "sheet.pdf").pages[0]
    assert [float(side) * 25.4 / 72 for side in page.mediabox[2:]] == pytest.approx(
        [297, 210], abs=0.01
    )
    with Image.open(tmp_path / "sheet.png") as picture:
        assert picture.size == pytest.approx((297 / 25.4 * 100, 210 / 25.4 * 100), abs=1)
    assert (tmp_path / "sheet.svg").read_text("utf-8").startswith("<?xml")
    sheet = outcome.values["sheet"]["value"]
    west, south, east, north = sheet["frame_m"]
    assert ((east - west) / 100_000, (north - south) / 100_000) == pytest.approx((0.20526, 0.1561))
    assert json.loads((tmp_path / "sheet.json").read_text("utf-8")) == sheet


def test_the_chinese_face_is_in_the_file(files: Mapping[str, Path], tmp_path: Path) -> None:
    done(sheet_task(files, ZONES, formats=["pdf"]), tmp_path)
    page: Any = PdfReader(tmp_path / "sheet.pdf").pages[0]
    faces: dict[str, Any] = {}
    for font in page["/Resources"]["/Font"].values():
        inner = font["/DescendantFonts"][0].get_object()
        faces[inner["/BaseFont"].partition("+")[2]] = inner["/FontDescriptor"]
    assert any("Droid" in name or "Noto" in name or "WenQuan" in name for name in faces)
    assert all("/FontFile2" in face for face in faces.values())


def test_in_english_no_chinese_is_written(files: Mapping[str, Path], tmp_path: Path) -> None:
    layer = features(entries=[ENTRY], shapes=[shape_of(outline(WEST, SOUTH, EAST, NORTH))])
    done(sheet_task(files, ZONES, layer, languages="en", formats=["pdf"]), tmp_path)
    text = text_of(tmp_path)
    assert not any("\u4e00" <= letter <= "\u9fff" for letter in text)
    for told in (
        "Scale",
        "Map approval no.: not submitted",
        "No data",
        "Sea",
        "East",
        "share of land",
    ):
        assert told in text, told


def test_both_languages_stand_on_one_sheet(files: Mapping[str, Path], tmp_path: Path) -> None:
    done(sheet_task(files, ZONES, languages="both", formats=["pdf"]), tmp_path)
    text = text_of(tmp_path)
    for told in ("图例 Legend", "Square: zones", "方城生态保护修复分区图", "未送审 not submitted"):
        assert told in text, told


def test_lengths_and_numbers_are_those_of_the_frame(
    files: Mapping[str, Path], tmp_path: Path
) -> None:
    start, end = (
        reproject_geometry(box(x, 2_705_000, x + 1, 2_705_001), SYSTEM, LON_LAT).centroid
        for x in (602_000, 605_000)
    )
    line = {"type": "LineString", "coordinates": [[start.x, start.y], [end.x, end.y]]}
    point = {"type": "Point", "coordinates": [start.x, start.y]}
    far = {"type": "Point", "coordinates": [100.0, 30.0]}
    lines = features(entries=[ENTRY], shapes=[shape_of(line)], undrawn=2, labels=True)
    points = features(title_en="Stations", entries=[ENTRY], shapes=[shape_of(point), shape_of(far)])
    outcome = done(sheet_task(files, lines, points, formats=["pdf"]), tmp_path)
    first, second = outcome.values["sheet"]["value"]["layers"]
    assert first["amounts"]["Main"]["length_km"] == pytest.approx(3.0, abs=0.002)
    assert second["amounts"]["Main"]["number"] == 1
    assert "3.0 km" in text_of(tmp_path)
    assert "另有 2 项未绘制边界" in text_of(tmp_path)
    assert "甲" in text_of(tmp_path)


def test_zones_that_are_drawn_leave_the_rest_without_data(
    files: Mapping[str, Path], tmp_path: Path
) -> None:
    half = outline(WEST, SOUTH + 2_000, WEST + 4_000, NORTH)
    zones = features(entries=[ENTRY], shapes=[shape_of(half)], complete=True)
    outcome = done(sheet_task(files, zones, formats=["pdf"]), tmp_path)
    [layer] = outcome.values["sheet"]["value"]["layers"]
    assert layer["amounts"]["Main"]["share_percent"] == pytest.approx(40.0, abs=0.05)
    assert layer["amounts"]["no_data"]["share_percent"] == pytest.approx(60.0, abs=0.05)


@pytest.mark.parametrize(
    ("south", "north", "share"), [(0, 2_000, 0.0), (0, 10_000, 100.0), (1_000, 4_000, 25.0)]
)
def test_areas_in_the_sea_are_no_share_of_the_land(
    files: Mapping[str, Path], tmp_path: Path, south: int, north: int, share: float
) -> None:
    drawn = shape_of(outline(WEST, SOUTH + south, EAST, SOUTH + north))
    layer = features(entries=[ENTRY], shapes=[drawn], complete=True)
    outcome = done(sheet_task(files, layer, formats=["pdf"]), tmp_path)
    [told] = outcome.values["sheet"]["value"]["layers"]
    assert told["amounts"]["Main"]["share_percent"] == pytest.approx(share, abs=0.05)
    assert told["amounts"]["no_data"]["share_percent"] == pytest.approx(100 - share, abs=0.05)


def test_a_frame_beside_the_region_has_no_shares(files: Mapping[str, Path], tmp_path: Path) -> None:
    layer = features(entries=[ENTRY], shapes=[shape_of(outline(WEST, SOUTH, EAST, NORTH))])
    task = sheet_task(files, ZONES, layer, formats=["pdf"])
    assert task.sheet is not None
    beside = (EAST + 20_000, SOUTH, EAST + 30_000, NORTH)
    task = task.model_copy(update={"sheet": task.sheet.model_copy(update={"bounds": beside})})
    outcome = done(task, tmp_path)
    assert {one["code"] for one in outcome.warnings} == {"missing_layer"}
    assert "无数据" in text_of(tmp_path)


def test_what_is_not_there_is_said_and_not_drawn(tmp_path: Path) -> None:
    missing = ZONES.model_copy(update={"dataset": None})
    undrawn = features(undrawn=5)
    outcome = done(sheet_task({}, missing, undrawn, formats=["pdf", "png"]), tmp_path)
    assert [one["code"] for one in outcome.warnings] == ["missing_layer", "missing_layer"]
    text = text_of(tmp_path)
    assert "无数据：本区域没有该成果" in text
    assert "无数据：5 项均未绘制边界" in text
    assert "海域" not in text
    assert not any(one["drawn"] for one in outcome.values["sheet"]["value"]["layers"])
    pixels = np.asarray(Image.open(tmp_path / "sheet.png").convert("RGB")).reshape(-1, 3)
    assert not (pixels == (0x1B, 0x6E, 0x3C)).all(axis=1).any()


def test_a_raster_of_nothing_but_nodata_is_told_to_be_empty(
    files: Mapping[str, Path], tmp_path: Path
) -> None:
    write_classes(tmp_path / "empty.tif", np.zeros((100, 100), dtype=np.uint8))
    task = sheet_task({**files, "zones": tmp_path / "empty.tif"}, ZONES, formats=["pdf"])
    outcome = done(task, tmp_path / "out")
    [layer] = outcome.values["sheet"]["value"]["layers"]
    assert layer["no_data_percent"] == 100.0
    assert [one["code"] for one in outcome.warnings] == ["missing_layer"]
    assert "100.0 %" in text_of(tmp_path / "out")


def test_equal_sheets_are_equal_files(files: Mapping[str, Path], tmp_path: Path) -> None:
    for name in ("one", "other"):
        done(sheet_task(files, ZONES, languages="both"), tmp_path / name)
    for path in sorted((tmp_path / "one").iterdir()):
        assert path.read_bytes() == (tmp_path / "other" / path.name).read_bytes(), path.name


def test_a_draft_and_stand_ins_are_marked(files: Mapping[str, Path], tmp_path: Path) -> None:
    task = sheet_task(files, ZONES, formats=["pdf"])
    assert task.sheet is not None
    task = task.model_copy(
        update={
            "sheet": task.sheet.model_copy(update={"draft": True, "secrecy": "internal"}),
            "datasets": {theme: dataset(theme, stand_in=True) for theme in files},
        }
    )
    done(task, tmp_path)
    text = text_of(tmp_path)
    assert "（草案）" in text
    assert "密级：内部" in text
    assert "含替代数据" in text


def kept_figures(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures of the sheets that are drawn from now on."""
    drawn: list[Figure] = []

    def kept(page: SheetPage) -> tuple[Figure, int]:
        figure, left_out = OF_PAGES(page)
        drawn.append(figure)
        return figure, left_out

    monkeypatch.setattr(SheetPage, "drawn", kept)
    return drawn


@pytest.mark.parametrize("orientation", ["landscape", "portrait"])
@pytest.mark.parametrize("moved_m", [0, 15_000, 60_000, 61_500])
def test_degrees_of_the_inset_cover_no_others(
    files: Mapping[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    orientation: contract.Orientation,
    moved_m: float,
) -> None:
    drawn = kept_figures(monkeypatch)
    task = sheet_task(files, formats=["pdf"])
    assert task.sheet is not None
    frame = tuple(side - moved_m for side in task.sheet.bounds)
    told = {"bounds": frame, "orientation": orientation, "scale": 400_000}
    task = task.model_copy(update={"sheet": task.sheet.model_copy(update=told)})
    done(task, tmp_path)
    [figure] = drawn
    *_, inset = figure.axes
    area = inset.get_window_extent()
    # Each is written twice, at one place: with its edge, and as a text.
    written = [one for one in inset.texts if DEGREES.match(one.get_text())]
    boxes = [one.get_window_extent() for one in written[::2]]
    assert boxes
    for number, one in enumerate(boxes):
        assert area.x0 <= one.x0 < one.x1 <= area.x1
        assert area.y0 <= one.y0 < one.y1 <= area.y1
        assert not any(one.overlaps(other) for other in boxes[:number])


@pytest.mark.parametrize("orientation", ["landscape", "portrait"])
@pytest.mark.parametrize("paper", ["A4", "A0"])
def test_a_sheet_has_the_size_of_its_paper_and_is_drawn_in_bounded_memory(
    files: Mapping[str, Path],
    tmp_path: Path,
    paper: contract.Paper,
    orientation: contract.Orientation,
) -> None:
    task = sheet_task(files, ZONES, paper=paper, formats=["pdf"], scale=20_000)
    assert task.sheet is not None
    laid = task.sheet.model_copy(update={"orientation": orientation})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    outcome = done(task.model_copy(update={"sheet": laid}), tmp_path)
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 < MOST_MB
    [page] = PdfReader(tmp_path / "sheet.pdf").pages
    sides = [float(side) * 25.4 / 72 for side in page.mediabox[2:]]
    longer, shorter = contract.PAPERS_MM[paper]
    expected = (longer, shorter) if orientation == "landscape" else (shorter, longer)
    assert sides == pytest.approx(expected, abs=0.05)
    sheet = outcome.values["sheet"]["value"]
    assert (sheet["paper"], sheet["orientation"]) == (paper, orientation)
    text = "".join(page.extract_text().split())
    for told in ("图例", "区位图", "1:20000", "方城生态保护修复分区图"):
        assert told in text, told
    assert outcome.warnings == []


def test_a_title_with_signs_of_formulas_is_written_as_it_is(
    files: Mapping[str, Path], tmp_path: Path
) -> None:
    task = sheet_task(files, ZONES, formats=["pdf"], number=r"$\frac{1}{0}$ <b>")
    done(task, tmp_path)
    assert r"$\frac{1}{0}$ <b>" in text_of(tmp_path)


@pytest.mark.parametrize("languages", ["zh", "both"])
def test_a_long_number_leaves_room_for_the_title(
    files: Mapping[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    languages: contract.Languages,
) -> None:
    drawn = kept_figures(monkeypatch)
    task = sheet_task(files, ZONES, number="第" * 40, languages=languages, formats=["pdf"])
    assert task.sheet is not None
    laid = task.sheet.model_copy(update={"orientation": "portrait"})
    done(task.model_copy(update={"sheet": laid}), tmp_path)
    [figure] = drawn
    written = {one.get_text(): one for one in figure.axes[0].texts}
    title = written[laid.title_zh]
    assert float(title.get_fontsize()) > 12
    [number] = (one for told, one in written.items() if "第第" in told)
    assert title.get_window_extent().x1 < number.get_window_extent().x0


def test_a_task_without_a_sheet_is_refused(tmp_path: Path) -> None:
    task = contract.ComposeMapSheetTask(
        process="compose-map-sheet",
        inputs={"region": "square", "layers": [{"kind": "raster", "theme": "zones"}]},
    )
    with pytest.raises(InvalidInput):
        done(task, tmp_path)
