"""What a network needs, and what is wrong with what is asked for."""

from collections.abc import Collection

from shanhai.errors import Fault
from shanhai.processes.build_network.contract import BuildNetworkInputs
from shanhai.vocabulary import label_of

SUPPLY = "supply."


def network_faults(inputs: BuildNetworkInputs, available: Collection[str]) -> list[Fault]:
    """A fault for land cover, and for supplies, that are needed and not there.

    Args:
        inputs: What is asked for.
        available: Themes of the datasets that were found, `supply.<service>` among them.
    """
    faults = [] if "land_cover" in available else [_NO_COVER]
    given = {theme.removeprefix(SUPPLY) for theme in available if theme.startswith(SUPPLY)}
    if inputs.needs_supplies and not given:
        faults.append(_NO_SUPPLY)
    unknown = sorted(set(inputs.parameters.sources.weights) - given)
    if given and unknown:
        named = "、".join(label_of(service).zh for service in unknown)
        faults.append(
            Fault(
                "/inputs/parameters/sources/weights",
                f"weights name services without a supply: {', '.join(unknown)}",
                f"权重中的服务没有供给图层：{named}",
            )
        )
    unweighted = sorted(given - set(inputs.parameters.sources.weights))
    if inputs.parameters.sources.weighting == "given" and unweighted:
        named = "、".join(label_of(service).zh for service in unweighted)
        faults.append(
            Fault(
                "/inputs/parameters/sources/weights",
                f"services without a weight: {', '.join(unweighted)}; 0 leaves one out",
                f"以下服务没有权重：{named}；权重 0 表示不计",
            )
        )
    return faults


_NO_COVER = Fault(
    "/inputs/datasets/land_cover",
    "a network needs a dataset of land_cover; none was given or found",
    "构建生态网络缺少必需的数据集：土地覆盖",
)
_NO_SUPPLY = Fault(
    "/inputs/supplies",
    "importance needs the supply of at least one service, and the region has no published "
    "assessment: run assess-ecoservices or delineate-zones first, name supplies, or take "
    "candidates `natural_cover`",
    "重要性至少需要一项服务的供给，而该区域没有已发布的评估：请先运行 assess-ecoservices 或 "
    "delineate-zones，指定 supplies，或将 candidates 设为 natural_cover",
)
