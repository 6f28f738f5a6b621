"""What makes a core area a source, and what else is known of the land."""

from dataclasses import dataclass, fields

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.science.corridors import connectivity
from shanhai.science.grid import BoolArray, FloatArray


@dataclass(frozen=True, slots=True)
class SourceParameters:
    """What makes a core area a source.

    Attributes:
        min_area_ha: Least area of a patch, and of red-line area in it that keeps it, ha.
        merge_gap_m: Cores less than this apart become one patch, m.
        dpc_min: Least dPC of a source, %.
        d50_m: Distance that half of those who set out cover, m; longest link of IIC too.
        pc_share: Share of PC until which patches are kept by falling dPC, two at least, in place of
            `dpc_min`; 0 keeps them by `dpc_min`.
        erosion_cells: Depth to which the largest patch is eroded, so that its cores are sources of
            their own, in cells; 0 leaves it whole.
    """

    min_area_ha: float = 10.0
    merge_gap_m: float = 0.0
    dpc_min: float = 1.0
    d50_m: float = connectivity.DISPERSAL_M
    pc_share: float = 0.0
    erosion_cells: int = 0

    def __post_init__(self) -> None:
        """Refuse what has no meaning."""
        for one in fields(self):
            value = getattr(self, one.name)
            most = 1 if one.name == "pc_share" else np.finfo(float).max
            if not 0 <= value <= most or (one.name == "d50_m" and value == 0):
                raise InvalidInput(
                    f"{one.name} is {value}; it must be finite and at least 0, d50_m above it, "
                    "pc_share at most 1",
                    message_zh=f"{one.name} 为 {value}，须为有限数且不小于 0，d50_m 须大于 0，"
                    "pc_share 不大于 1",
                    pointer=f"/{one.name}",
                )


DEFAULT_PARAMETERS = SourceParameters()


@dataclass(frozen=True, slots=True)
class SourceEvidence:
    """What else is known of the cells; each may be missing.

    Attributes:
        importance: I, 0–1, told as the mean of each source.
        quality: 0–1; a patch then counts with its area times its mean quality.
        red_line: Cells within the ecological red line.
    """

    importance: FloatArray | None = None
    quality: FloatArray | None = None
    red_line: BoolArray | None = None


NO_EVIDENCE = SourceEvidence()
