"""The two demonstration regions: their units, grids and stated totals."""

from dataclasses import dataclass

MARGIN_M = 2_000.0
CELL_M = 100.0


@dataclass(frozen=True, slots=True)
class DemoUnit:
    """A district of a region; `residents` where a figure is stated."""

    code: str
    name_zh: str
    name_en: str
    adcode: int
    residents: int | None = None


@dataclass(frozen=True, slots=True)
class DemoRegion:
    """A region of the demonstration.

    `box` is the study area, west, south, east, north in WGS 84 degrees. `units` are the districts
    that make up its outline. `outline_unit` is true where the region is a district itself, so that
    its only unit gives the outline and is not listed a second time.
    """

    code: str
    name_zh: str
    name_en: str
    level: str
    adcode: int
    metric_epsg: int
    box: tuple[float, float, float, float]
    units: tuple[DemoUnit, ...]
    residents_source: str
    outline_unit: bool = False

    @property
    def grid_crs(self) -> str:
        """Authority code of the metric CRS."""
        return f"EPSG:{self.metric_epsg}"


XIAMEN = DemoRegion(
    code="xiamen",
    name_zh="厦门市",
    name_en="Xiamen",
    level="city",
    adcode=350200,
    metric_epsg=4548,
    box=(117.85, 24.38, 118.50, 24.95),
    units=(
        DemoUnit("xiamen.siming", "思明区", "Siming", 350203, 1_015_000),
        DemoUnit("xiamen.haicang", "海沧区", "Haicang", 350205, 375_000),
        DemoUnit("xiamen.huli", "湖里区", "Huli", 350206, 1_031_000),
        DemoUnit("xiamen.jimei", "集美区", "Jimei", 350211, 700_000),
        DemoUnit("xiamen.tongan", "同安区", "Tong'an", 350212, 611_000),
        DemoUnit("xiamen.xiangan", "翔安区", "Xiang'an", 350213, 378_000),
    ),
    residents_source="residents of the districts in 2018, city statistics (4 110 000 in all)",
)
BANAN = DemoRegion(
    code="banan",
    name_zh="巴南区",
    name_en="Banan",
    level="district",
    adcode=500113,
    metric_epsg=4545,
    box=(106.40, 29.10, 107.05, 29.80),
    units=(DemoUnit("banan", "巴南区", "Banan", 500113),),
    residents_source="sum of the populated places of GeoNames inside the district",
    outline_unit=True,
)
DEMO_REGIONS = (XIAMEN, BANAN)
