"""Inputs of an assessment whose unit or scale looks wrong, or whose cells are coarse."""

from collections.abc import Iterator, Mapping

from shanhai.processes.kit.region import Place, Tally
from shanhai.processes.kit.task import DatasetTask
from shanhai.raster.checks import check_plausible
from shanhai.raster.themes import THEME_RULES
from shanhai.science.flags import ResultFlag
from shanhai.vocabulary import Label, label_of

COARSE_CELLS = 5.0
"""An input whose own cells are wider than so many of the analysis carries `coarse_input` (E)."""

MOST_PERSONS = 450.0
"""Mean persons/ha beyond any city: Manila, the densest, had 430 persons/ha in 2020 (PSA), the
densest districts of Chinese cities 300 (E)."""


def unusual_means(tallies: Mapping[str, Tally], cell_ha: float) -> list[ResultFlag]:
    """`unusual_mean` for each theme whose mean lies where a wrong unit or scale would put it.

    Args:
        tallies: What each theme holds on the land of the region.
        cell_ha: Area of a cell, ha.
    """
    found = list[ResultFlag]()
    for theme, tally in sorted(tallies.items()):
        means = [
            float(total / count) if count else None
            for total, count in zip(tally.total, tally.count, strict=True)
        ]
        found += check_plausible(THEME_RULES[theme], means)
        if theme == "population" and means and means[0] is not None:
            found += _crowded(means[0] / cell_ha)
    return found


def _crowded(persons: float) -> Iterator[ResultFlag]:
    if persons <= MOST_PERSONS:
        return
    text = Label(
        f"人口：平均 {persons:.4g} 人/ha，超过任何城市（{MOST_PERSONS:g} 人/ha）；"
        "数据是否为密度（人/km²）而非每像元人数？",
        f"population: {persons:.4g} persons/ha on average, more than in any city "
        f"({MOST_PERSONS:g} persons/ha); are these densities (persons/km²) and no counts per cell?",
    )
    yield ResultFlag("unusual_mean", text)


def coarse_inputs(place: Place, datasets: Mapping[str, DatasetTask]) -> tuple[ResultFlag, ...]:
    """`coarse_input` where inputs are much coarser than the cells of the analysis.

    The resolution is that the dataset tells, else that of its file.
    """
    cell_m = place.grid.cell_m
    sizes = {
        theme: datasets[theme].native_resolution_m or source.resolution
        for theme, source in place.sources.items()
    }
    coarse = {theme: size for theme, size in sizes.items() if size > COARSE_CELLS * cell_m}
    if not coarse:
        return ()
    listed = [(label_of(theme), f"{size:.0f} m") for theme, size in sorted(coarse.items())]
    text = Label(
        f"下列输入的原始分辨率粗于 {COARSE_CELLS:g} 个分析像元（{cell_m:g} m），"
        f"其像元内的细节只是插值：{'、'.join(f'{name.zh} {size}' for name, size in listed)}",
        f"coarser than {COARSE_CELLS:g} cells of the analysis ({cell_m:g} m), so that what they "
        "show within their own cells is interpolation: "
        + ", ".join(f"{name.en.lower()} {size}" for name, size in listed),
    )
    return (ResultFlag("coarse_input", text),)
