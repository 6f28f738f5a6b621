"""The finished rasters of a zoning: the zones, and the results of the assessment."""

from pathlib import Path

from shanhai.cartography import style_of
from shanhai.jobs.contracts import OutputFile
from shanhai.processes.assessed import Assessment
from shanhai.processes.layer_rasters import LayerRaster, rasters_of, write_rasters
from shanhai.raster.windows import WindowRunner

ZONES = "zones"


def write_zone_rasters(
    assessment: Assessment, workspace: Path, runner: WindowRunner
) -> list[OutputFile]:
    """Write every output raster into the workspace."""
    zones = LayerRaster(ZONES, None, style_of(ZONES).title)
    layers = [zones, *rasters_of(assessment)]
    return write_rasters(assessment.stores.own, layers, workspace, runner)
