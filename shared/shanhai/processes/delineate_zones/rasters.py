"""The finished rasters of a zoning: the zones, the results of the assessment, and their doubts."""

from pathlib import Path

from shanhai.cartography import style_of
from shanhai.processes.assess_ecoservices.assessed import Assessment
from shanhai.processes.assess_ecoservices.layer_rasters import (
    LayerRaster,
    rasters_of,
    write_rasters,
)
from shanhai.processes.delineate_zones.uncertainty import DRAWN, MODAL_ZONE
from shanhai.processes.kit.task import OutputFile
from shanhai.raster.store import ScratchStore
from shanhai.raster.windows import WindowRunner
from shanhai.science.zoning.postprocess import Postprocessed

ZONES = "zones"
BEFORE = "zones_before_overlay"
OVERRIDE = "override_source"


def keep_zones(cleaned: Postprocessed, own: ScratchStore) -> None:
    """Keep the class rasters of a zoning in the scratch store."""
    kept = {ZONES: cleaned.codes}
    if cleaned.override_source is not None:
        kept |= {BEFORE: cleaned.before_overlay, OVERRIDE: cleaned.override_source}
    for name, values in kept.items():
        own.create_classes(name)
        own.write_classes(name, own.whole, values)


def write_zone_rasters(
    assessment: Assessment, workspace: Path, runner: WindowRunner
) -> list[OutputFile]:
    """Write every output raster into the workspace."""
    own = assessment.stores.own
    classes = [name for name in (ZONES, BEFORE, OVERRIDE, MODAL_ZONE) if own.has(name)]
    quantities = [name for name in DRAWN if own.has(name)]
    layers = [
        *(LayerRaster(name, None, style_of(name).title) for name in classes),
        *rasters_of(assessment),
        *(LayerRaster(name, "1", style_of(name).title) for name in quantities),
    ]
    return write_rasters(own, layers, workspace, runner)
