"""What can be asked of seeding: layers, where, how deep, packed or not; and its task."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from shanhai.processes.kit.contract import Inputs, OutputSpec, ProcessContract
from shanhai.processes.kit.task import Task
from shanhai.validation import Code, Name, Rfc3339Date
from shanhai.vocabulary import Label

Number = Annotated[float, Field(allow_inf_nan=False)]
Box = tuple[Number, Number, Number, Number]
"""West, south, east, north in degrees."""


class SeedTilesTask(Task):
    """What the seeding of tiles is given."""

    area: Box | None = Field(None, description="box in degrees that is meant, where one was asked")


MERCATOR = "WebMercatorQuad"
DEEPEST = 24
MOST_LAYERS = 10
MOST_TILES = 1_000_000
"""Tiles one job may ask for; a city to level 18 has a third of that."""

TileLayer = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$")]
TileFormat = Literal["png", "webp", "jpg", "mvt", "npy", "tif"]
Pack = Literal["none", "pmtiles", "mbtiles"]
PACKABLE = frozenset({"png", "webp", "jpg", "mvt"})
"""Formats both kinds of packs have a name for."""


class SeedTilesInputs(Inputs):
    """Tiles to be drawn ahead of time, and packed or not."""

    layers: list[TileLayer] = Field(
        min_length=1, max_length=MOST_LAYERS, description="Layers of the tile service / 图层"
    )
    grid: str = Field(
        MERCATOR, pattern=r"^[A-Za-z0-9]{1,40}$", description="Tile matrix set / 瓦片矩阵集"
    )
    min_zoom: int = Field(0, ge=0, le=DEEPEST, description="First level / 起始级别")
    max_zoom: int | None = Field(
        None, ge=0, le=DEEPEST, description="Last level; default: the layer's / 末级别，默认取图层"
    )
    region: Code | None = Field(
        None, description="Region whose surrounding box is meant / 区域代码，取其外接范围"
    )
    bbox: Box | None = Field(
        None, description="West, south, east, north in degrees; default: the layer's / 经纬度范围"
    )
    format: TileFormat | None = Field(
        None, description="Format; default png, of features mvt / 瓦片格式"
    )
    band: int | None = Field(None, ge=1, le=10_000, description="Band of a raster / 波段")
    rescale: tuple[Number, Number] | None = Field(
        None, description="Values at the ends of the ramp / 色带两端的值"
    )
    colormap: str | None = Field(
        None, pattern=r"^[A-Za-z0-9_-]{1,40}$", description="Named ramp / 色带名称"
    )
    properties: list[Name] | None = Field(
        None, min_length=1, max_length=100, description="Properties features carry / 要素属性"
    )
    filter: str | None = Field(
        None, min_length=1, max_length=2000, description="CQL2 text over features / 要素筛选"
    )
    scheme: Code | None = Field(None, description="Zoning scheme / 分区方案")
    as_of: Rfc3339Date | None = Field(None, description="Day whose state is drawn / 状态日期")
    own_view: bool = Field(
        False,
        description="With all that you may see, drafts too, where anyone sees a part"
        " / 含仅本人可见的内容",
    )
    pack: Pack = Field("none", description="File the tiles are put into / 打包格式")


SEED_TILES = ProcessContract(
    "seed-tiles",
    Label("预切片与打包", "Seed and pack tiles"),
    Label(
        "预先绘制图层在给定范围与级别内的瓦片，使缓存就绪；可打包为 PMTiles 或 MBTiles 文件。",
        "Has the tiles of layers drawn ahead of time within an area and levels, so that caches"
        " hold them, and packs them as PMTiles or MBTiles where asked.",
    ),
    SeedTilesInputs,
    (
        OutputSpec("summary", Label("摘要", "Summary"), "application/json"),
        OutputSpec(
            "pmtiles", Label("PMTiles 瓦片包", "Pack as PMTiles"), "application/vnd.pmtiles"
        ),
        OutputSpec(
            "mbtiles", Label("MBTiles 瓦片包", "Pack as MBTiles"), "application/vnd.sqlite3"
        ),
    ),
    keywords=("tiles", "PMTiles", "MBTiles"),
    task=SeedTilesTask,
    stages={
        "tiles": Label("共 {} 个瓦片", "{} tiles to make"),
        "zoom": Label("绘制第 {} 级瓦片", "Drawing tiles of level {}"),
        "pack": Label("打包 {} 个瓦片", "Packing {} tiles"),
    },
)
