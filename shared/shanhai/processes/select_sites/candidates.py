"""The sites there are to choose from: given ones, places, and units of the highest priority."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from shapely.geometry.base import BaseGeometry

from shanhai.errors import Fault, InvalidInput, LimitExceeded
from shanhai.processes.kit.geometry import as_multipolygon
from shanhai.processes.kit.region import LAND
from shanhai.processes.select_sites.contract import MOST_SITES
from shanhai.processes.select_sites.priority import HECTARE_M2, Priority, Siting
from shanhai.processes.select_sites.sites import candidate_places, named_sites
from shanhai.processes.select_sites.task import PlaceKind, PlaceTask, SiteKind
from shanhai.raster.cells import cells_of
from shanhai.vocabulary import Label

_CENTS = 2
_SLIVER = 0.01
"""Part of its land that must be left for a site to stay one."""

BORDER_M = 0.5
"""Borders this near are one: coordinates are rounded to a millimetre on their way."""

_ROUNDING = 1e-6
_HIGHEST = 1
"""Number of the level `priority`."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A site that can be chosen.

    Attributes:
        code: Its code.
        title: Its name.
        kinds: What it is; several where a pinch point and a barrier overlap.
        geometry: In the CRS of the grid.
        cost: Yuan.
        places: Codes of the places it is made of.
        gains: What it brings besides what is measured.
        measures: What is to be done there.
        problems: Codes of problems it is said to act on.
        land_ha: Land of a unit, which may reach into the sea; None where all of the site counts.
    """

    code: str
    title: Label
    kinds: tuple[SiteKind, ...]
    geometry: BaseGeometry
    cost: float
    places: tuple[str, ...] = ()
    gains: Mapping[str, float] = field(default_factory=dict)
    measures: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    land_ha: float | None = None

    @property
    def area_ha(self) -> float:
        """Area on the grid, of a unit that of its land, ha."""
        return float(self.geometry.area) / HECTARE_M2 if self.land_ha is None else self.land_ha


def find_candidates(siting: Siting, priority: Priority | None) -> list[Candidate]:
    """All sites, in the order: given, projects, joined spots, problems, units.

    Land is paid for and counted once: spots, problems and units are cut where they overlap what
    comes before them. Given sites and projects stay as they are.

    Raises:
        LimitExceeded: there are more than can be chosen from.
        InvalidInput: there is none, or a code comes twice or is named and not there.
    """
    found = [*_given(siting), *_places(siting, "project")]
    for derived in (_spots(siting), _places(siting, "problem"), _of_units(siting, priority)):
        found += _cut(siting, found, list(derived))
    if len(found) > MOST_SITES:
        raise LimitExceeded(
            f"there are {len(found)} candidate sites; at most {MOST_SITES} are chosen from; take "
            "larger units or fewer kinds",
            message_zh=f"候选地块共 {len(found)} 个，上限为 {MOST_SITES}；请增大单元或减少候选来源",
            pointer="/inputs/candidates",
        )
    if not found:
        raise InvalidInput(
            "there is no candidate site", message_zh="没有候选地块", pointer="/inputs/candidates"
        )
    _demand_named(siting, found)
    return found


def places_by_code(candidates: Sequence[Candidate]) -> dict[str, int]:
    """Number of the site of each code, those of joined places too."""
    joined = {code: place for place, one in enumerate(candidates) for code in one.places}
    return joined | {one.code: place for place, one in enumerate(candidates)}


def _demand_named(siting: Siting, found: Sequence[Candidate]) -> None:
    codes = [one.code for one in found]
    known = places_by_code(found)
    faults = [
        Fault(pointer, f"there is no site {code!r}", f"没有候选地块 {code!r}")
        for pointer, code in named_sites(siting.inputs)
        if code not in known
    ]
    if len(set(codes)) < len(codes):
        twice = sorted({code for code in codes if codes.count(code) > 1})[:5]
        faults.append(
            Fault(
                "/inputs/sites",
                f"sites {', '.join(twice)} have the code of another candidate",
                f"地块代码 {'、'.join(twice)} 与其他候选地块重复",
            )
        )
    if faults:
        raise InvalidInput.of(faults)


def _given(siting: Siting) -> Iterator[Candidate]:
    for site in siting.inputs.sites:
        geometry = siting.placed(site.geometry)
        by_area = site.cost is None
        yield Candidate(
            code=site.code,
            title=Label(site.name_zh, site.name_en or site.name_zh),
            kinds=("site",),
            geometry=geometry,
            cost=_cost(siting, ("site",), geometry.area) if by_area else float(site.cost or 0.0),
            gains=dict(site.gains),
            measures=tuple(site.measures) or _measures(siting, ("site",)),
            problems=tuple(site.problems),
        )


def _cut(
    siting: Siting, former: Sequence[Candidate], later: Sequence[Candidate]
) -> Iterator[Candidate]:
    """The later ones without land of the former, and of those before them; slivers are dropped."""
    shapes = [one.geometry for one in (*former, *later)]
    tree = shapely.STRtree(shapes)
    for place, one in enumerate(later, start=len(former)):
        met = tree.query(one.geometry, predicate="intersects").tolist()
        taken = shapely.union_all([shapes[other] for other in met if other < place])
        left = as_multipolygon(shapely.difference(one.geometry, taken))
        if left.area < _SLIVER * one.geometry.area:
            continue
        if left.area >= (1 - _ROUNDING) * one.geometry.area:
            yield one
            continue
        cut = replace(one, geometry=left, land_ha=one.land_ha and _land_ha(siting, left))
        if cut.area_ha >= _SLIVER * one.area_ha:
            yield replace(cut, cost=_cost(siting, one.kinds, cut.area_ha * HECTARE_M2))


def _land_ha(siting: Siting, geometry: BaseGeometry) -> float:
    found = cells_of(geometry, siting.grid)
    land = 0 if found is None else siting.store.read_classes(LAND, found[0])[found[1]].sum()
    return float(land * siting.grid.cell_area_ha)


def _places(siting: Siting, kind: PlaceKind) -> Iterator[Candidate]:
    for one in candidate_places(siting.inputs, siting.selection):
        if one.kind == kind:
            yield _place(siting, one)


def _spots(siting: Siting) -> Iterator[Candidate]:
    """Barriers and pinch points; those that overlap are one."""
    found = candidate_places(siting.inputs, siting.selection)
    spots = [one for one in found if one.kind in ("barrier", "pinch_point")]
    for members in _joined([siting.shapes[one.code] for one in spots]):
        yield _spot(siting, [spots[place] for place in members])


def _spot(siting: Siting, members: Sequence[PlaceTask]) -> Candidate:
    """One site of spots that overlap; it bears the code and name of the first barrier."""
    first = next((one for one in members if one.kind == "barrier"), members[0])
    geometry = shapely.union_all([siting.shapes[one.code] for one in members])
    kinds: tuple[SiteKind, ...] = tuple(
        kind for kind in ("barrier", "pinch_point") if any(one.kind == kind for one in members)
    )
    return Candidate(
        code=first.code,
        title=Label(first.name_zh, first.name_en),
        kinds=kinds,
        geometry=geometry,
        cost=_cost(siting, kinds, geometry.area),
        places=tuple(one.code for one in members),
        measures=_measures(siting, kinds),
    )


def _place(siting: Siting, one: PlaceTask) -> Candidate:
    kind: SiteKind = "project" if one.kind == "project" else "problem"
    geometry = siting.shapes[one.code]
    return Candidate(
        code=one.code,
        title=Label(one.name_zh, one.name_en),
        kinds=(kind,),
        geometry=geometry,
        cost=one.cost if one.cost is not None else _cost(siting, (kind,), geometry.area),
        places=(one.code,),
        measures=tuple(one.measures) or _measures(siting, (kind,)),
        problems=tuple(one.problems) if kind == "project" else (one.code,),
    )


def _of_units(siting: Siting, priority: Priority | None) -> Iterator[Candidate]:
    """The units of the highest level."""
    if priority is None or "priority_units" not in siting.inputs.candidates:
        return
    outline = siting.place.area.outline
    for place in np.flatnonzero(priority.found.levels == _HIGHEST).tolist():
        code, title = priority.name(place)
        land_ha = float(priority.land_ha[place])
        yield Candidate(
            code=code,
            title=title,
            kinds=("priority_unit",),
            geometry=priority.shape(place, outline),
            cost=_cost(siting, ("priority_unit",), land_ha * HECTARE_M2),
            measures=_measures(siting, ("priority_unit",)),
            land_ha=land_ha,
        )


def _joined(shapes: Sequence[BaseGeometry]) -> list[list[int]]:
    """Groups of shapes that overlap by more than a border's width, directly or through others."""
    if not shapes:
        return []
    tree = shapely.STRtree(shapes)
    one, other = tree.query(shapes, predicate="intersects")
    array = np.array(shapes)
    common = shapely.intersection(array[one], array[other])
    overlap = ~shapely.is_empty(shapely.buffer(common, -BORDER_M / 2))
    pairs = (one[overlap], other[overlap])
    graph = coo_array((np.ones(len(pairs[0])), pairs), shape=(len(shapes), len(shapes)))
    count, groups = connected_components(graph, directed=False)
    found: list[list[int]] = [[] for _ in range(count)]
    for place, group in enumerate(groups.tolist()):
        found[group].append(place)
    return found


def _cost(siting: Siting, kinds: Sequence[SiteKind], area_m2: float) -> float:
    """By area; of several kinds the dearest counts."""
    per_ha = max(siting.inputs.cost_per_ha[kind] for kind in kinds)
    return round(per_ha * area_m2 / HECTARE_M2, _CENTS)


def _measures(siting: Siting, kinds: Sequence[SiteKind]) -> tuple[str, ...]:
    found = (code for kind in kinds for code in siting.inputs.measures.get(kind, []))
    return tuple(dict.fromkeys(found))
