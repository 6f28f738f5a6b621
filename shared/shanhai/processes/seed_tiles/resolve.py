"""The task of seeding tiles, judged as far as that needs no tile service."""

from collections.abc import Sequence

from shapely.geometry import shape
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.cartography import is_range
from shanhai.db.features.crs import box_fault
from shanhai.db.queries.jobs import find_region
from shanhai.errors import Fault
from shanhai.processes.kit.lookups import REGION, refuse
from shanhai.processes.kit.resolution import Resolution
from shanhai.processes.kit.task import Task
from shanhai.processes.seed_tiles import contract


async def resolve(
    session: AsyncSession, inputs: contract.SeedTilesInputs, *, requested_by: str
) -> Task:
    """The area and the layers.

    The task names no region: what is packed may be its owner's alone, and jobs of a region are
    seen by all who work there.
    """
    area, faults = await find_area(session, inputs)
    refuse([*judge_seeding(inputs), *faults])
    return contract.SeedTilesTask(
        process=contract.SEED_TILES.id,
        inputs=inputs.model_dump(mode="json"),
        area=area,
        layers=inputs.layers,
    )


def judge_seeding(inputs: contract.SeedTilesInputs) -> Sequence[Fault]:
    """What is wrong with the inputs in themselves."""
    return [*_order_faults(inputs), *_area_faults(inputs), *_pack_faults(inputs)]


async def find_area(
    session: AsyncSession, inputs: contract.SeedTilesInputs
) -> tuple[contract.Box | None, Sequence[Fault]]:
    """The box in degrees that is meant, None for that of each layer, and what is wrong with it."""
    if inputs.region is None:
        return inputs.bbox, ()
    region = await find_region(session, inputs.region)
    if region is None or region.geometry is None:
        what, zh = ("no region", "没有区域") if region is None else ("no shape of", "没有几何：")
        fault = Fault(REGION, f"there is {what} {inputs.region!r}", f"{zh} {inputs.region!r}")
        return None, (fault,)
    return shape(region.geometry).bounds, ()


def _order_faults(inputs: contract.SeedTilesInputs) -> list[Fault]:
    faults = []
    if inputs.max_zoom is not None and inputs.max_zoom < inputs.min_zoom:
        faults.append(
            Fault(
                "/inputs/max_zoom",
                f"max_zoom is {inputs.max_zoom}, which is less than min_zoom {inputs.min_zoom}",
                f"max_zoom 为 {inputs.max_zoom}，小于 min_zoom {inputs.min_zoom}",
            )
        )
    if inputs.rescale is not None and not is_range(*inputs.rescale):
        low, high = inputs.rescale
        faults.append(
            Fault(
                "/inputs/rescale",
                f"rescale is {low!r}, {high!r}; it must be two numbers of single precision,"
                " the first smaller",
                f"rescale 为 {low!r}、{high!r}；应为两个单精度数，且前者小于后者",
            )
        )
    if len(set(inputs.layers)) < len(inputs.layers):
        faults.append(Fault("/inputs/layers", "a layer is named twice", "图层重复"))
    return faults


def _area_faults(inputs: contract.SeedTilesInputs) -> list[Fault]:
    if inputs.bbox is None:
        return []
    if inputs.region is not None:
        detail = "bbox is given beside region; give one of them"
        return [Fault("/inputs/bbox", detail, "bbox 与 region 只能给出一个")]
    wrong = box_fault(*inputs.bbox)
    return [] if wrong is None else [Fault("/inputs/bbox", wrong.en, wrong.zh)]


def _pack_faults(inputs: contract.SeedTilesInputs) -> list[Fault]:
    if inputs.pack == "none":
        return []
    faults = []
    if inputs.grid != contract.MERCATOR:
        faults.append(
            Fault(
                "/inputs/grid",
                f"grid is {inputs.grid}; the specification of {inputs.pack} knows only the tiles of"
                f" web mercator, so a pack needs {contract.MERCATOR}",
                f"grid 为 {inputs.grid}；{inputs.pack} 规范只支持网络墨卡托瓦片，"
                f"打包须用 {contract.MERCATOR}",
            )
        )
    if inputs.format is not None and inputs.format not in contract.PACKABLE:
        known = ", ".join(sorted(contract.PACKABLE))
        faults.append(
            Fault(
                "/inputs/format",
                f"format is {inputs.format}; {inputs.pack} files hold {known}",
                f"format 为 {inputs.format}；{inputs.pack} 文件可含 {known}",
            )
        )
    return faults


RESOLUTION = Resolution(contract.SEED_TILES, resolve)
