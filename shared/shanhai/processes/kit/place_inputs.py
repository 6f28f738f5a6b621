"""Where a process takes place, and on which grid: what every one says that computes a region."""

from pydantic import Field

from shanhai.codes import Code
from shanhai.processes.kit.contract import Inputs


class PlaceInputs(Inputs):
    """A region, the plan it is computed for, and its grid."""

    region: Code = Field(description="Region code / 区域代码")
    plan: Code | None = Field(None, description="Plan it is made for / 所属规划")
    cell_m: float = Field(100.0, ge=10, le=5000, description="Analysis cell, m / 分析像元")
    crs: str | None = Field(
        None,
        pattern=r"^EPSG:\d{4,6}$",
        description="Projected CRS of the grid; default: the region's / 分析坐标系",
    )
