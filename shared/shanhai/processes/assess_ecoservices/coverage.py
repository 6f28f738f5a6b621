"""How much of the land the inputs leave: gaps are told, and too large ones refused."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from shanhai.errors import InvalidInput
from shanhai.science.flags import ResultFlag
from shanhai.vocabulary import Label, label_of

LEAST_VALID_SHARE = 0.5
"""Part of the land that must be valid; a zoning of less would not be one of the region."""

LOW_VALID_SHARE = 0.95
"""Below this part of the land being valid, the result carries the flag `low_coverage`."""

NOTABLE_LOSS = 0.01
"""Part of the land a layer may leave unknown without a warning."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the region holds, and what is lost why.

    Attributes:
        valid: Cells in which everything required is known.
        inside: Cells of the region.
        sea: Those of them that are sea.
        missing: Land cells that are not valid because something is unknown there, by dataset theme,
            or by layer where all that was read is known.
        themes: The theme a layer of `missing` rests on first.
        titles: Layers of `missing` in the words of a reader.
    """

    valid: int
    inside: int
    sea: int
    missing: Mapping[str, int]
    themes: Mapping[str, str] = field(default_factory=dict)
    titles: Mapping[str, Label] = field(default_factory=dict)

    @property
    def land(self) -> int:
        """Cells of the region that are not sea."""
        return self.inside - self.sea

    def title_of(self, name: str) -> Label:
        """A theme or layer in the words of a reader."""
        return self.titles[name] if name in self.titles else label_of(name)


_NAMED = 3


def losses(coverage: Coverage) -> list[tuple[str, int]]:
    """Land cells each input leaves unknown, costliest first; those without gaps are left out."""
    found: dict[str, int] = {}
    for name, cells in coverage.missing.items():
        theme = coverage.themes.get(name, name)
        found[theme] = max(found.get(theme, 0), cells)
    return sorted(((t, n) for t, n in found.items() if n), key=lambda loss: (-loss[1], loss[0]))


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
    found = losses(coverage)
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
        pointer=f"/inputs/datasets/{found[0][0]}" if found else "/inputs/datasets",
    )


def coverage_flags(coverage: Coverage) -> tuple[ResultFlag, ...]:
    """`low_coverage` where less than `LOW_VALID_SHARE` of the land is valid."""
    if coverage.valid >= LOW_VALID_SHARE * coverage.land:
        return ()
    text = _gaps(losses(coverage), coverage.land)
    said = Label(
        f"{_valid_zh(coverage)}，分区图存在空缺：{text.zh}",
        f"{_valid_en(coverage)}, so that the zones have holes: {text.en}",
    )
    return (ResultFlag("low_coverage", said),)


def missing_cells(coverage: Coverage) -> list[ResultFlag]:
    """A warning for everything that is unknown in a notable part of the land."""
    return [
        ResultFlag(
            "missing_cells",
            Label(
                f"{coverage.title_of(name).zh}在 {_percent(cells, coverage.land)} 的陆地像元缺测，"
                "已剔除",
                f"{in_sentence(coverage.title_of(name).en)} is unknown in "
                f"{_percent(cells, coverage.land)} of the land cells, which are left out",
            ),
        )
        for name, cells in coverage.missing.items()
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
        ", ".join(f"{in_sentence(title.en)} is unknown in {share}" for title, share in named),
    )


def in_sentence(title: str) -> str:
    """A title within a sentence."""
    return title[:1].lower() + title[1:]


def _percent(cells: int, land: int) -> str:
    return f"{100 * cells / land:.1f} %"
