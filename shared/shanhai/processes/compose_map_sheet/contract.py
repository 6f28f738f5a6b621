"""What can be asked for of a map sheet, and what it is made of when the job is accepted."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints, model_validator

from shanhai.processes.kit.contract import Inputs, Limits, OutputSpec, ProcessContract
from shanhai.processes.kit.task import RegionTask, Task
from shanhai.validation import Code, Rfc3339Date, broken_at
from shanhai.vocabulary import DataClass, Label

Paper = Literal["A4", "A3", "A2", "A1", "A0"]
Orientation = Literal["landscape", "portrait"]
Languages = Literal["zh", "en", "both"]
SheetFormat = Literal["pdf", "png", "svg"]

PAPERS_MM: Mapping[Paper, tuple[int, int]] = {
    "A4": (297, 210),
    "A3": (420, 297),
    "A2": (594, 420),
    "A1": (841, 594),
    "A0": (1189, 841),
}
"""Longer and shorter side of a sheet by ISO 216, mm."""

MOST_PIXELS = 40_000_000
"""Pixels of a PNG: A0 with 150 of them to the inch, A1 with 200, A3 with 300."""
MOST_LAYERS = 8
MOST_FEATURES = 5_000
"""Features of one layer."""
MOST_VERTICES = 200_000
"""Vertices of all shapes of a sheet, after what a tenth of a millimetre hides is left out."""
SMALLEST_M, LARGEST_M = 200.0, 3_000_000.0
"""Sides of what a sheet may show, m."""
MM_IN = 25.4

Words = Annotated[str, StringConstraints(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f]+$")]
Mark = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[^\x00-\x1f]+$")]
ThemeName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)?$")]
Degrees = Annotated[float, Field(allow_inf_nan=False)]
Box = tuple[Degrees, Degrees, Degrees, Degrees]
"""West, south, east, north in degrees."""

SheetCollection = Literal[
    "zones",
    "pattern_components",
    "corridors",
    "corridor_nodes",
    "control_areas",
    "problems",
    "named_features",
    "projects",
    "mines",
    "reclamations",
    "islands",
    "outfalls",
    "fishing_harbours",
    "occurrences",
    "stations",
]
"""Collections that can be put on a sheet."""


class RasterOnSheet(Inputs):
    """A raster: by its theme, the newest of the region or that of a job, or by its code."""

    kind: Literal["raster"]
    theme: ThemeName | None = Field(
        None,
        max_length=80,
        description="Theme, such as `zones`, `ratio.cooling` or `land_cover` / 专题",
    )
    job: UUID | None = Field(
        None, description="Job that computed it; default: the newest there is / 计算它的作业"
    )
    dataset: Code | None = Field(None, description="Code of a dataset / 数据集代码")

    @model_validator(mode="after")
    def check_one(self) -> "RasterOnSheet":
        """It is named in one way."""
        if (self.theme is None) == (self.dataset is None):
            rule = "needs theme or dataset, one of the two / 须给出 theme 或 dataset 之一"
            raise broken_at("theme", rule=rule)
        if self.dataset is not None and self.job is not None:
            raise broken_at("job", rule="goes with theme, not with dataset / 须与 theme 一起给出")
        return self


class FeaturesOnSheet(Inputs):
    """Features of a collection that belong to the region or what lies below it."""

    kind: Literal["features"]
    collection: SheetCollection = Field(description="Collection / 要素集合")
    scheme: Code | None = Field(None, description="Zoning scheme, of zones / 分区方案")
    plan: Code | None = Field(None, description="Plan they belong to / 规划")
    filter: str | None = Field(
        None, min_length=1, max_length=2000, description="CQL2 text over the features / 要素筛选"
    )
    labels: bool = Field(False, description="Write their names where there is room / 标注名称")


SheetLayer = Annotated[RasterOnSheet | FeaturesOnSheet, Field(discriminator="kind")]


class ComposeMapSheetInputs(Inputs):
    """What a sheet shows, on which paper, and what is written around it."""

    region: Code = Field(description="Region code / 区域代码")
    layers: list[SheetLayer] = Field(
        min_length=1, max_length=MOST_LAYERS, description="From the lowest up / 图层，自下而上"
    )
    bbox: Box | None = Field(
        None, description="West, south, east, north in degrees; default: the region / 经纬度范围"
    )
    as_of: Rfc3339Date | None = Field(
        None, description="Day whose features are shown; default: today / 要素的状态日期"
    )
    paper: Paper = Field("A4", description="Paper, ISO 216 / 纸张")
    orientation: Orientation | None = Field(
        None, description="Default: the one that shows the extent larger / 方向，默认取图幅较大者"
    )
    scale: int | None = Field(
        None,
        ge=100,
        le=20_000_000,
        description="n of 1:n; default: the largest round scale that fits / 比例尺分母，默认自动",
    )
    languages: Languages = Field("zh", description="Of what is written / 文字语言")
    formats: list[SheetFormat] = Field(
        ["pdf", "png", "svg"], min_length=1, max_length=3, description="Files wanted / 文件格式"
    )
    dpi: int = Field(150, ge=72, le=600, description="Pixels of the PNG to the inch / PNG 分辨率")
    title_zh: Words | None = Field(None, description="Title in Chinese / 图名")
    title_en: Words | None = Field(None, description="Title in English / 英文图名")
    number: Mark | None = Field(None, description="Number of the sheet / 图号")
    issuer_zh: Words | None = Field(None, description="Who makes it, in Chinese / 编制单位")
    issuer_en: Words | None = Field(None, description="Who makes it, in English / 编制单位（英文）")
    made_on: Rfc3339Date | None = Field(
        None, description="Day it is dated; default: today / 编制日期"
    )
    secrecy: DataClass | None = Field(
        None,
        description="How closed it is; default: open where everybody may see all of it, else"
        " internal / 密级",
    )
    approval_number: Mark | None = Field(
        None, description="Number of the examined map; without it the sheet says so / 审图号"
    )
    inset: bool = Field(True, description="With a map of where it is / 区位图")


class OutlineTask(BaseModel):
    """A region beside or around that of the sheet; the geometry is GeoJSON in degrees."""

    name_zh: str
    name_en: str
    geometry: dict[str, Any]


class SheetEntry(BaseModel):
    """A line of the legend."""

    label_zh: str
    label_en: str
    color: str


class SheetShape(BaseModel):
    """A feature to be drawn: the number of its entry, and GeoJSON in degrees."""

    entry: int
    name_zh: str
    name_en: str
    geometry: dict[str, Any]


class SheetLayerTask(BaseModel):
    """A layer as it was found when the job was accepted.

    Attributes:
        dataset: Key of its raster in the task's datasets; None where there is none.
        theme: Of the raster, which says how it looks.
        filled: How opaque its areas are; 0 for outlines.
        complete: It is to cover the land, as zones do: what it leaves open is without data.
        undrawn: Features that nobody has drawn yet.
    """

    kind: Literal["raster", "features"]
    title_zh: str
    title_en: str
    dataset: str | None = None
    theme: str | None = None
    entries: list[SheetEntry] = []
    shapes: list[SheetShape] = []
    filled: float = 1.0
    labels: bool = False
    complete: bool = False
    undrawn: int = 0


class SheetTask(BaseModel):
    """All that a sheet is made of.

    Attributes:
        region: What it is about; kept here and not as the region of the job, so that the sheet is
            seen by who asked for it alone: it may show what others of the region may not see.
        bounds: Box that is to be shown, in the metric system of the region: west, south, east,
            north, m.
        around: Regions that lie in or near the frame.
        parent: The region it is part of, where that has an outline.
        land_cover: Key of the dataset that tells land from sea.
        draft: Something on it is not published yet.
        layers: From the lowest up.
    """

    region: RegionTask
    bounds: tuple[float, float, float, float]
    orientation: Orientation
    scale: int
    title_zh: str
    title_en: str
    made_on: Rfc3339Date
    secrecy: DataClass
    draft: bool = False
    land_cover: str | None = None
    parent: OutlineTask | None = None
    around: list[OutlineTask] = []
    layers: list[SheetLayerTask] = []


class ComposeMapSheetTask(Task):
    """What the composition of a sheet is given."""

    sheet: SheetTask | None = None


COMPOSE_MAP_SHEET = ProcessContract(
    "compose-map-sheet",
    Label("编制专题图", "Compose a map sheet"),
    Label(
        "按规划图件的惯例编制一幅专题图（A4–A0，PDF、PNG、SVG，中文、英文或双语）：图名、图号、密级、"
        "审图号、图例与占比、比例尺、指北针、坐标系、经纬度注记、区位图、资料来源与编制信息。",
        "Composes a map sheet by the conventions of planning reports, A4 to A0, as vector PDF, PNG"
        " and SVG in Chinese, English or both: title, number, secrecy, legend with shares, scales,"
        " north arrow, coordinate system, frame ticks, inset and sources.",
    ),
    ComposeMapSheetInputs,
    (
        OutputSpec("sheet", Label("图件信息", "About the sheet"), "application/json"),
        OutputSpec("pdf", Label("图件（PDF）", "Sheet (PDF)"), "application/pdf"),
        OutputSpec("png", Label("图件（PNG）", "Sheet (PNG)"), "image/png"),
        OutputSpec("svg", Label("图件（SVG）", "Sheet (SVG)"), "image/svg+xml"),
    ),
    sync=True,
    keywords=("map", "sheet", "图件", "专题图"),
    limits=Limits(memory_mb=4096, time_s=900),
    task=ComposeMapSheetTask,
    acts_for_caller=lambda inputs: True,
    stages={
        "read": Label("读取图层", "Reading the layers"),
        "draw": Label("绘制图面", "Drawing the map"),
        "write": Label("写出文件", "Writing the files"),
    },
)
