"""Rasters of a folder: what each is taken for, and one GeoTIFF with its description per theme."""

import re
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np

from shanhai.data.handed_over import words
from shanhai.data.handed_over.findings import Answers, DatasetFinding, judge_names, judge_system
from shanhai.errors import InvalidInput
from shanhai.processes.kit.dataset_description import DatasetDescription, write_description
from shanhai.raster import checks, clean, handed_over, inspect
from shanhai.raster.geotiff import crs_text
from shanhai.raster.handed_over import HandedRaster, TileHeader, WrittenFrame
from shanhai.raster.themes import MONTHS, THEME_RULES, ThemeRule
from shanhai.science.grid import FloatArray
from shanhai.science.landcover import NODATA, SCHEMES, harmonise
from shanhai.storage.artifacts import sha256_of
from shanhai.vector.source_crs import System, on_cgcs2000
from shanhai.vocabulary import Label

MONTH_DAYS = (31, 28.25, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
LEGEND_WORDS = {
    "worldcover": ("worldcover",),
    "globeland30": ("globeland", "globeland30"),
    "clcd": ("clcd",),
    "io_lulc": ("io_lulc", "esri_landcover"),
    "tdt1055": ("三调", "tdt1055", "国土变更", "dltb"),
    "gbt21010": ("21010",),
}
TILE_SIGNS = re.compile(r"[\d\s_.\-()（）+]+|(?<![a-zA-Z])[nsewNSEW](?![a-zA-Z])")
"""What tells tiles apart in their names."""
MOST_CODES = 60


@dataclass(frozen=True, slots=True)
class RasterPlan:
    """How a raster is prepared."""

    rule: ThemeRule
    raster: HandedRaster
    frame: WrittenFrame
    unit: words.RasterUnit
    legend: str | None
    year: int | None


def look_at_rasters(paths: Sequence[Path], root: Path, answers: Answers) -> list[DatasetFinding]:
    """What the rasters of a folder are taken for, tiles of one theme together."""
    found: list[DatasetFinding] = []
    headers: list[TileHeader] = []
    for path in paths:
        try:
            headers += handed_over.read_headers(path)
        except InvalidInput as error:
            broken = DatasetFinding(slug(path.stem), (path,), "raster")
            broken.refuse(error)
            found.append(broken)
    groups: dict[tuple[object, ...], list[TileHeader]] = {}
    for header in headers:
        groups.setdefault(_group(header, root), []).append(header)
    parts = [part for group in groups.values() for part in _by_year(group, root)]
    named = _named(parts, root).items()
    found += [
        _judged(name, tiles, root, answers)
        for name, tiles in named
        if not answers.is_set(f"{name}.skip")
    ]
    return found


def _by_year(group: list[TileHeader], root: Path) -> list[list[TileHeader]]:
    """A group, or its parts by year where files of a theme of one band cover the same cells."""
    places = {tuple(tile.bounds.tolist()) for tile in group}
    told = _theme_told(group[0], root)
    if len(places) == len(group) or told is None or max(THEME_RULES[told[0]].ranges) > 1:
        return [group]
    by_year: dict[int | None, list[TileHeader]] = {}
    for tile in group:
        by_year.setdefault(words.year_of(tile.path.stem), []).append(tile)
    return list(by_year.values())


def _group(header: TileHeader, root: Path) -> tuple[object, ...]:
    """What tiles of one raster share."""
    told = _theme_told(header, root)
    cell = (f"{header.transform[0]:.6e}", f"{header.transform[4]:.6e}")
    who = told[0] if told else TILE_SIGNS.sub("", header.path.stem) or header.path.parent
    kind = np.dtype(header.dtype).kind
    return (who, header.variable, header.crs, header.bands, kind, cell, header.unit)


def _named(groups: list[list[TileHeader]], root: Path) -> dict[str, list[TileHeader]]:
    """The groups by a short name: their theme where only one has it, or what its files share."""
    themes = [_theme_told(group[0], root) for group in groups]
    told = [one[0] if one else None for one in themes]
    named: dict[str, list[TileHeader]] = {}
    for theme, group in zip(told, groups, strict=True):
        first = group[0]
        shared = TILE_SIGNS.sub("_", first.path.stem).strip("_") if len(group) > 1 else ""
        own = slug("_".join(filter(None, [shared or first.path.stem, first.variable])))
        name = theme if theme is not None and told.count(theme) == 1 else own
        named[free_name(name, named)] = group
    return named


def free_name(name: str, taken: Container[str]) -> str:
    """The name, with the first number from 2 on that makes it another than those taken."""
    number, unique = 2, name
    while unique in taken:
        unique, number = f"{name}_{number}", number + 1
    return unique


def slug(text: str) -> str:
    """A name of letters, digits and underscores, Chinese ones included."""
    return re.sub(r"[^\w\-]+", "_", text).strip("_") or "dataset"


def _theme_told(header: TileHeader, root: Path) -> tuple[str, str] | None:
    """The theme the variable or file is named by, or else its folder."""
    if header.variable:
        told = words.theme_of([header.variable, *header.names])
        if told is not None:
            return told
    folders = reversed(header.path.relative_to(root).parts[:-1])
    for text in (header.path.stem, *folders):
        told = words.theme_of([text])
        if told is not None:
            return told
    return None


def ask_for_one_per_theme(found: Iterable[DatasetFinding]) -> None:
    """Ask which dataset is meant where several would be the raster of one theme."""
    by_theme: dict[str, list[DatasetFinding]] = {}
    for finding in found:
        if finding.taken_for is not None and finding.taken_for in THEME_RULES:
            by_theme.setdefault(finding.taken_for, []).append(finding)
    for theme, several in by_theme.items():
        if len(several) == 1:
            continue
        for finding in several:
            others = "、".join(one.name for one in several if one is not finding)
            finding.ask(
                "skip",
                f"{theme} 另有 {others}；多余的请设 true",
                f"{others} would be {theme} as well; say true for those to be left out",
                ("true",),
            )


def _judged(name: str, tiles: list[TileHeader], root: Path, answers: Answers) -> DatasetFinding:
    """One dataset, as far as it is known."""
    tiles = sorted(tiles, key=lambda tile: tile.path)
    finding = DatasetFinding(name, tuple(dict.fromkeys(tile.path for tile in tiles)), "raster")
    judge_names(finding, [str(one.relative_to(root)) for one in finding.files], answers)
    theme = _theme(finding, tiles, root, answers)
    if theme is None or finding.refusal is not None:
        return finding
    rule = THEME_RULES[theme]
    finding.taken_for = theme
    raster = _joined(finding, tiles, theme)
    system = None
    if raster is not None:
        system = judge_system(finding, tiles[0].crs, raster.bounds, answers, any_datum=True)
    if raster is None or not _has_bands(finding, raster, rule):
        return finding
    try:
        _judge_values(finding, raster, rule, system, answers)
    except InvalidInput as error:
        finding.refuse(error)
    return finding


def _theme(
    finding: DatasetFinding, tiles: list[TileHeader], root: Path, answers: Answers
) -> str | None:
    stated = answers.get(f"{finding.name}.theme")
    if stated is not None:
        if stated not in THEME_RULES:
            finding.refuse(no_choice(f"{finding.name}.theme", stated, THEME_RULES))
            return None
        finding.say("专题由您指定", "the theme is what you say")
        return stated
    told = _theme_told(tiles[0], root)
    if told is None:
        finding.ask(
            "theme",
            "名称中没有能识别的专题，这些栅格是什么？",
            "no name tells what this raster is about",
            [*words.theme_words()],
        )
        return None
    finding.say(f"名称含“{told[1]}”", f"its name holds {told[1]!r}")
    return told[0]


def no_choice(name: str, given: str, choices: Iterable[str]) -> InvalidInput:
    """The refusal of an answer that is none of the choices."""
    listed = ", ".join(choices)
    return InvalidInput(
        f"{name} is {given!r}; it must be one of {listed}",
        message_zh=f"{name} 为 {given!r}，可选：{listed}",
        pointer=name,
    )


def _joined(finding: DatasetFinding, tiles: list[TileHeader], theme: str) -> HandedRaster | None:
    """The files as one raster: bands of one grid, or tiles of a mosaic."""
    kept = frozenset(code.raw for code in clean.codes_of(theme, {}) if code.means_value)
    raster = HandedRaster(tuple(tiles), kept=kept)
    if len(tiles) == 1:
        return raster
    if all(np.allclose(tile.bounds, tiles[0].bounds) for tile in tiles) and tiles[0].bands == 1:
        return _stacked(finding, raster, theme)
    off = raster.off_grid()
    if off is not None:
        finding.refusal = Label(
            f"{off[0].path.name} 与其他分幅不在同一格网上，相差 {off[1]:.2f} 个像元；请先重采样",
            f"{off[0].path.name} does not lie on the grid of the other tiles, by {off[1]:.2f} of a"
            " cell; resample it first",
        )
        return None
    height, width = raster.shape
    finding.say(
        f"{len(tiles)} 幅在同一格网上，拼为 {width} × {height} 像元；重叠处按文件名取先者",
        f"{len(tiles)} tiles on one grid make {width} × {height} cells; where they overlap the"
        " first by name holds",
    )
    return raster


def _stacked(finding: DatasetFinding, raster: HandedRaster, theme: str) -> HandedRaster | None:
    wanted = max(THEME_RULES[theme].ranges)
    placed = {words.band_of(tile.path.stem, theme): tile for tile in raster.tiles}
    if set(placed) != set(range(wanted)) or len(raster.tiles) != wanted:
        finding.refusal = Label(
            f"{len(raster.tiles)} 个文件范围相同，但名称不能对应 {theme} 的 {wanted} 个波段",
            f"{len(raster.tiles)} files cover the same cells, and their names do not tell the"
            f" {wanted} bands of {theme}",
        )
        return None
    finding.say(
        f"{wanted} 个文件范围相同，按名称作为 {wanted} 个波段",
        f"{wanted} files of the same cells are its {wanted} bands, by their names",
    )
    return replace(raster, tiles=tuple(placed[band] for band in range(wanted)), stacked=True)


def _has_bands(finding: DatasetFinding, raster: HandedRaster, rule: ThemeRule) -> bool:
    if raster.bands in rule.ranges:
        return True
    years, rest = divmod(raster.bands, MONTHS)
    if MONTHS in rule.ranges and rest == 0:
        finding.say(
            f"{raster.bands} 个波段视为 {years} 年逐月，取各月多年平均",
            f"{raster.bands} bands are taken for the months of {years} years, of which the mean of"
            " each month is made",
        )
        return True
    wanted = " or ".join(bands for bands, _ in rule.runs)
    finding.refusal = Label(
        f"有 {raster.bands} 个波段，{rule.label.zh}须为 {wanted.replace('or', '或')} 个",
        f"has {raster.bands} bands; {rule.theme} must have {wanted}",
    )
    return False


def _judge_values(
    finding: DatasetFinding,
    raster: HandedRaster,
    rule: ThemeRule,
    system: System | None,
    answers: Answers,
) -> None:
    """Unit or legend; then, if nothing is open, the plan."""
    told = [answers.number(f"{finding.name}.{one}") for one in ("nodata", "scale", "offset")]
    raster = replace(raster, nodata=told[0], unscaled=told[1:] != [None, None])
    values = raster.sample()
    if not values.size:
        finding.say("抽样处均无数据", "the cells that were looked at are all nodata")
    legend, unit = None, words.RasterUnit()
    if rule.theme == "land_cover":
        legend = _legend(finding, values, answers)
    elif not rule.categorical:
        unit = _unit(finding, raster, rule, values, answers) or unit
    if system is None or finding.questions or finding.refusal is not None:
        return
    frame = _frame(raster, rule, system)
    finding.plan = RasterPlan(rule, raster, frame, unit, legend, _year(finding))


def _legend(finding: DatasetFinding, values: FloatArray, answers: Answers) -> str | None:
    codes = sorted({*np.unique(values[values == np.floor(values)]).astype(int).tolist()})
    stated = answers.get(f"{finding.name}.legend")
    if stated is not None and stated not in SCHEMES:
        raise no_choice(f"{finding.name}.legend", stated, SCHEMES)
    if stated is not None:
        finding.say(f"分类体系 {stated}（由您指定）", f"legend {stated}, as you say")
        return stated
    fitting = [name for name, classes in SCHEMES.items() if set(codes) <= set(classes)]
    shown = ", ".join(map(str, codes[:MOST_CODES]))
    named = [
        legend
        for legend, signs in LEGEND_WORDS.items()
        if any(words.holds_word(path.stem, sign) for path in finding.files for sign in signs)
    ]
    chosen = [name for name in fitting if name in named] or fitting
    if len(chosen) == 1 and set(codes) - {NODATA}:
        finding.say(
            f"代码 {shown} 属于分类体系 {chosen[0]}", f"its codes {shown} are of {chosen[0]}"
        )
        return chosen[0]
    if not fitting:
        finding.refusal = Label(
            f"代码 {shown} 不属于任何一种分类体系（{'、'.join(SCHEMES)}），请先重分类",
            f"its codes {shown} are of none of the legends {', '.join(SCHEMES)}; recode it first",
        )
        return None
    finding.ask(
        "legend",
        f"代码 {shown} 可属于多种分类体系",
        f"its codes {shown} fit several legends",
        chosen,
        named[0] if len(named) == 1 and named[0] in chosen else None,
    )
    return None


def _unit(
    finding: DatasetFinding,
    raster: HandedRaster,
    rule: ThemeRule,
    values: FloatArray,
    answers: Answers,
) -> words.RasterUnit | None:
    """How values become the theme's: by what is stated, what names tell, or as they are."""
    name = finding.name
    scale, offset = answers.number(f"{name}.scale"), answers.number(f"{name}.offset")
    stated = answers.get(f"{name}.unit")
    if stated is not None and words.raster_unit(rule.theme, stated) is None:
        zh, en = f"无法由 {stated} 换算为 {rule.unit}；", f"{stated} does not become {rule.unit};"
        finding.ask("unit", f"{zh}其单位是什么？", f"{en} which unit is it in?")
        return None
    if scale is not None or offset is not None:
        # As for an import of one file: a unit that is stated as well is that of the scaled values.
        unit = words.raster_unit(rule.theme, stated or rule.unit) or words.RasterUnit()
        factor = unit.factor * (1.0 if scale is None else scale)
        unit = replace(unit, factor=factor, offset=unit.factor * (offset or 0.0) + unit.offset)
        finding.say(
            f"按 × {unit.factor:g} + {unit.offset:g} 换算（由您指定）",
            f"times {unit.factor:g} plus {unit.offset:g}, as you say",
        )
        return unit
    text, by = _unit_text(finding, raster, stated)
    if text is not None:
        known = words.raster_unit(rule.theme, text)
        if known is None:
            finding.ask(
                "scale",
                f"{by.zh}单位 {text}，无法换算为 {rule.unit}；请给出系数",
                f"{by.en} the unit is {text}, of which nobody knows how it becomes {rule.unit};"
                " say what to multiply by",
            )
            return None
        finding.say(f"{by.zh}单位 {text}", f"{by.en} the unit is {text}")
        return _fitting(finding, raster, rule, values, known, stays=stated is not None)
    found = _fitting(finding, raster, rule, values, words.RasterUnit())
    if found is not None and values.size:
        finding.say(
            f"数值 {values.min():g}…{values.max():g} 视为 {rule.unit}",
            f"values {values.min():g}…{values.max():g} are taken for {rule.unit}",
        )
    return found


def _unit_text(
    finding: DatasetFinding, raster: HandedRaster, stated: str | None
) -> tuple[str | None, Label]:
    if stated is not None:
        return stated, Label("您指定", "as you say")
    tile = raster.tiles[0]
    if tile.unit:
        return tile.unit, Label("文件注明", "as the file says")
    dense = any(words.holds_word(tile.path.stem, word) for word in ("密度", "density"))
    if dense and finding.taken_for == "population":
        return "persons/km2", Label("文件名注明", "as its name says")
    named = words.unit_in_name(tile.path.stem)
    if named is not None:
        return named[1].name, Label("文件名注明", "as its name says")
    return None, Label("", "")


def _fitting(
    finding: DatasetFinding,
    raster: HandedRaster,
    rule: ThemeRule,
    values: FloatArray,
    unit: words.RasterUnit,
    *,
    stays: bool = False,
) -> words.RasterUnit | None:
    """The unit, unless too many values would be impossible, which is asked about."""
    low, high = rule.ranges[max(rule.ranges)]
    codes = {code.raw for code in clean.FILL_CODES.get(rule.theme, ())}
    plain = values[~np.isin(values, [*codes])]
    shown = plain * unit.factor + unit.offset
    if unit.daily:
        shown = shown * max(MONTH_DAYS)
    outside = np.count_nonzero((shown < low) | (shown > high))
    if outside <= checks.MOST_OUT_OF_RANGE * shown.size:
        return unit
    least, most = shown.min(), shown.max()
    fits = [one for one in checks.USUAL_SCALES if low <= least * one and most * one <= high]
    # An answer takes the place of the file's own scale and offset, and of a unit nobody stated.
    added = unit.daily or unit.offset or any(raster.tiles[0].offsets)
    stored = (1.0 if stays else unit.factor) * raster.tiles[0].scales[0]
    finding.ask(
        "scale",
        f"数值 {least:g}…{most:g} 超出 {low:g}…{high:g} {rule.unit}；请给出存储值的系数"
        f"（或 {finding.name}.unit、{finding.name}.nodata）",
        f"values {least:g}…{most:g} lie outside {low:g}…{high:g} {rule.unit}; say what to multiply"
        f" those stored by (or {finding.name}.unit, or {finding.name}.nodata)",
        likely=f"{fits[0] * stored:g}" if len(fits) == 1 and not added else None,
    )
    return None


def _year(finding: DatasetFinding) -> int | None:
    years = {words.year_of(path.stem) for path in finding.files}
    year = years.pop() if len(years) == 1 else None
    if year is not None:
        finding.say(f"名称中的年份 {year}", f"of {year}, by its name")
    return year


def _frame(raster: HandedRaster, rule: ThemeRule, system: System) -> WrittenFrame:
    counted = rule.theme == "population"
    shift_m = -system.zone * 1e6
    bands = words.MONTHS if raster.bands % MONTHS == 0 else ()
    frame = WrittenFrame(
        crs=crs_text(system.crs),
        categorical=rule.categorical,
        bands=bands,
        east_shift=shift_m,
        nearest=rule.categorical or counted,
    )
    if system.shift is None:
        return frame
    target = on_cgcs2000(system.crs)
    return replace(frame, crs=crs_text(target), moved_from=system.bound.to_wkt())


def prepare_raster(finding: DatasetFinding, region: str, out: Path, answers: Answers) -> Path:
    """Write the GeoTIFF of a dataset and its description into `out`; the description's path.

    Raises:
        InvalidInput: class codes are unknown, or too many values impossible.
    """
    plan: RasterPlan = finding.plan
    path = out / f"{plan.rule.theme}.tif"
    count = _RangeCount()
    handed_over.write_raster(path, plan.raster, plan.frame, _change(plan, count))
    try:
        count.check(plan.rule)
        facts = inspect.inspect_raster(path)
    except InvalidInput:
        path.unlink()
        raise
    return describe(
        finding,
        region,
        path,
        answers,
        native_resolution_m=inspect.resolution_m(facts),
        legend=plan.legend,
        bands=plan.frame.bands,
        year=plan.year,
    )


def describe(
    finding: DatasetFinding,
    region: str,
    path: Path,
    answers: Answers,
    *,
    native_resolution_m: float,
    legend: str | None,
    bands: Sequence[str] = (),
    year: int | None = None,
) -> Path:
    """Write what a raster is beside it."""
    rule = THEME_RULES[path.stem]
    source = answers.get(f"{finding.name}.source") or answers.get("source")
    edge = answers.get(f"{finding.name}.edge_water")
    if edge not in {None, "sea", "inland"}:
        raise no_choice(f"{finding.name}.edge_water", str(edge), ("sea", "inland"))
    description = DatasetDescription(
        theme=rule.theme,
        region=region,
        code=f"{region}.{rule.theme}.own",
        name_zh=rule.label.zh,
        name_en=rule.label.en,
        file=path.name,
        unit=None if rule.categorical else rule.unit,
        native_resolution_m=round(native_resolution_m, 3),
        stand_in=False,
        source=source or named_files(finding.files),
        licence=answers.get("licence"),
        processing="; ".join(reason.en for reason in finding.reasons),
        class_scheme=legend,
        edge_water=edge,
        bands=tuple(bands),
        observed_from=None if year is None else date(year, 1, 1),
        observed_to=None if year is None else date(year, 12, 31),
        sha256=sha256_of(path),
    )
    return write_description(description, path.parent)


def named_files(files: Sequence[Path], most: int = 3) -> str:
    """The names of a few files, and how many more there are."""
    more = f" and {len(files) - most} more" if len(files) > most else ""
    return ", ".join(path.name for path in files[:most]) + more


@dataclass(slots=True)
class _RangeCount:
    """Values that passed, and those that cannot be."""

    known: int = 0
    outside: int = 0

    def add(self, values: FloatArray, limits: tuple[float, float]) -> None:
        known = np.isfinite(values)
        self.known += int(np.count_nonzero(known))
        low, high = limits
        self.outside += int(np.count_nonzero(known & ((values < low) | (values > high))))

    def check(self, rule: ThemeRule) -> None:
        if self.known == 0:
            raise InvalidInput(
                f"{rule.theme}: every cell is nodata",
                message_zh=f"{rule.label.zh}：全部像元均为无数据",
                pointer=rule.theme,
            )
        if self.outside > checks.MOST_OUT_OF_RANGE * self.known:
            low, high = rule.ranges[max(rule.ranges)]
            raise InvalidInput(
                f"{rule.theme}: {self.outside} of {self.known} values lie outside {low:g}…{high:g}"
                f" {rule.unit}; wrong unit, scale or nodata?",
                message_zh=f"{rule.label.zh}：{self.known} 个值中有 {self.outside} 个超出"
                f" {low:g}…{high:g} {rule.unit}；单位、系数或无数据值有误？",
                pointer=f"{rule.theme}.scale",
            )


def _change(plan: RasterPlan, count: _RangeCount) -> Callable[[FloatArray], FloatArray]:
    """What is done to a strip."""
    codes = frozenset(code.raw for code in clean.FILL_CODES.get(plan.rule.theme, ()))

    def change(values: FloatArray) -> FloatArray:
        is_code = np.isin(values, [*codes])
        if plan.rule.categorical:
            clean.check_classes(values, plan.rule)
        if plan.legend is not None:
            # To refuse here what the import would refuse; the codes stay as they are.
            harmonise(np.nan_to_num(values, nan=0).astype(np.int64), plan.legend)
        if not plan.rule.categorical:
            meant = np.isin(values, [*plan.raster.kept])
            changed = values * plan.unit.factor + plan.unit.offset
            values = _monthly(np.where(meant, values, changed), plan)
        # Codes are no values; themes that have them have one band.
        shown = np.where(is_code, np.nan, values) if is_code.shape == values.shape else values
        # Codes of a legend have been judged by it.
        limits = (0, np.inf) if plan.legend is not None else plan.rule.ranges[len(values)]
        count.add(shown, limits)
        return values

    return change


def _monthly(values: FloatArray, plan: RasterPlan) -> FloatArray:
    """Means by month where there are several years, and sums of days where there are rates."""
    if len(values) not in plan.rule.ranges:
        years = values.reshape(-1, MONTHS, *values.shape[1:])
        known = np.count_nonzero(np.isfinite(years), axis=0)
        total = np.nansum(years, axis=0)
        values = np.divide(total, known, out=np.full(total.shape, np.nan), where=known > 0)
    if plan.unit.daily:
        days = MONTH_DAYS if len(values) == MONTHS else (sum(MONTH_DAYS),)
        values = values * np.reshape(days, (-1, 1, 1))
    return values
