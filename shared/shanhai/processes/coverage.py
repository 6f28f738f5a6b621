"""How much of the land the inputs leave: gaps are told, and too large ones refused."""

from collections.abc import Collection, Mapping

from shanhai.errors import InvalidInput
from shanhai.processes.derivation import Coverage
from shanhai.science.zoning.flag import Flag
from shanhai.vocabulary import Label, label_of

LEAST_VALID_SHARE = 0.5
"""Part of the land that must be valid; a zoning of less would not be one of the region."""

LOW_VALID_SHARE = 0.95
"""Below this part of the land being valid, the result carries the flag `low_coverage`."""

NOTABLE_LOSS = 0.01
"""Part of the land a layer may leave unknown without a warning."""

LAYER_TITLES: Mapping[str, Label] = {
    "elevation": Label("高程", "elevation"),
    "slope": Label("坡度", "slope"),
    "relief": Label("地形起伏", "relief"),
    "land_cover": Label("土地覆盖", "land cover"),
    "npp": Label("净初级生产力", "net primary productivity"),
    "ndvi": Label("植被指数", "the vegetation index"),
    "rainfall": Label("降雨", "rain"),
    "erosivity": Label("降雨侵蚀力", "rain erosivity"),
    "temperature": Label("气温", "air temperature"),
    "evapotranspiration": Label("蒸散发", "evapotranspiration"),
    "erodibility": Label("土壤可蚀性", "soil erodibility"),
    "infiltration": Label("土壤入渗", "soil infiltration"),
    "night_lights_log": Label("夜间灯光", "night lights"),
    "population_log": Label("人口", "population"),
}
"""Layers in the words of a reader."""

_THEMES: Mapping[str, str] = {
    "elevation": "dem",
    "slope": "dem",
    "erosivity": "rainfall",
    "erodibility": "soil",
    "infiltration": "soil",
    "night_lights_log": "night_lights",
    "population_log": "population",
}
"""The input a layer is made of, where it is named otherwise."""

_NAMED = 3


def losses(coverage: Coverage, themes: Collection[str]) -> list[tuple[str, int]]:
    """Land cells each input leaves unknown, the costliest first; inputs without gaps are left out.

    Args:
        coverage: What is missing, by layer.
        themes: The inputs that were used.
    """
    found: dict[str, int] = {}
    for layer, cells in coverage.missing.items():
        theme = _theme_of(layer, themes)
        found[theme] = max(found.get(theme, 0), cells)
    return sorted(((t, n) for t, n in found.items() if n), key=lambda loss: (-loss[1], loss[0]))


def _theme_of(layer: str, themes: Collection[str]) -> str:
    if layer != "evapotranspiration":
        return _THEMES.get(layer, layer)
    given = (theme for theme in (layer, "reference_et") if theme in themes)
    return next(given, "temperature")


def require_coverage(coverage: Coverage, themes: Collection[str], cell_m: float) -> None:
    """Refuse inputs that leave too little of the land.

    Raises:
        InvalidInput: the region has no cell or no land, or less than `LEAST_VALID_SHARE` of its
            land is valid; the inputs at fault are named with the share each leaves unknown.
    """
    if not coverage.inside:
        raise InvalidInput(
            f"no cell of {cell_m:g} m has its centre in the region; use a smaller cell_m",
            message_zh=f"没有一个 {cell_m:g} m 像元的中心落在区域内；请减小 cell_m",
            pointer="/inputs/cell_m",
        )
    if not coverage.land:
        raise InvalidInput(
            f"no valid cell: land cover shows sea in all {coverage.inside} cells of the region",
            message_zh=f"没有有效像元：区域内 {coverage.inside} 个像元的土地覆盖全部为海域",
            pointer="/inputs/datasets/land_cover",
        )
    if coverage.valid and coverage.valid >= LEAST_VALID_SHARE * coverage.land:
        return
    found = losses(coverage, themes)
    text = _gaps(found, coverage.land)
    # Without land cover the sea counts as land, where hardly any input has a value.
    hint = Label("", "")
    if "land_cover" not in themes:
        hint = Label(
            "；未提供土地覆盖，海域按陆地计", "; without land cover the sea counts as land"
        )
    raise InvalidInput(
        f"{_valid_en(coverage)}; at least {100 * LEAST_VALID_SHARE:g} % must: {text.en}{hint.en}",
        message_zh=f"{_valid_zh(coverage)}，至少须 {100 * LEAST_VALID_SHARE:g} %："
        f"{text.zh}{hint.zh}",
        pointer=f"/inputs/datasets/{found[0][0]}",
    )


def coverage_flags(coverage: Coverage, themes: Collection[str]) -> tuple[Flag, ...]:
    """`low_coverage` where less than `LOW_VALID_SHARE` of the land is valid."""
    if coverage.valid >= LOW_VALID_SHARE * coverage.land:
        return ()
    text = _gaps(losses(coverage, themes), coverage.land)
    said = Label(
        f"{_valid_zh(coverage)}，分区图存在空缺：{text.zh}",
        f"{_valid_en(coverage)}, so that the zones have holes: {text.en}",
    )
    return (Flag("low_coverage", said),)


def missing_cells(coverage: Coverage) -> list[Flag]:
    """A warning for every layer that is unknown in a notable part of the land."""
    return [
        Flag(
            "missing_cells",
            Label(
                f"{LAYER_TITLES[layer].zh}在 {_percent(cells, coverage.land)} 的陆地像元缺测，"
                "已剔除",
                f"{LAYER_TITLES[layer].en} is unknown in {_percent(cells, coverage.land)} of the "
                "land cells, which are left out",
            ),
        )
        for layer, cells in coverage.missing.items()
        if cells > NOTABLE_LOSS * coverage.land
    ]


def _valid_en(coverage: Coverage) -> str:
    share = _percent(coverage.valid, coverage.land)
    return f"only {share} of the {coverage.land} land cells have a value in every input"


def _valid_zh(coverage: Coverage) -> str:
    share = _percent(coverage.valid, coverage.land)
    return f"{coverage.land} 个陆地像元中仅 {share} 各项输入齐全"


def _gaps(found: list[tuple[str, int]], land: int) -> Label:
    """The costliest inputs and the part of the land in which each is unknown."""
    named = [(label_of(theme), _percent(cells, land)) for theme, cells in found[:_NAMED]]
    return Label(
        "、".join(f"{title.zh}缺测 {share}" for title, share in named),
        ", ".join(f"{title.en.lower()} is unknown in {share}" for title, share in named),
    )


def _percent(cells: int, land: int) -> str:
    return f"{100 * cells / land:.1f} %"
