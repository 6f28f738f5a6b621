"""Random draws of the services' parameters, and what many draws say of each cell."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from shanhai.errors import InvalidInput
from shanhai.science.grid import ClassArray, FloatArray
from shanhai.science.landcover import LandCover
from shanhai.vocabulary import ZONE_CLASSES

LEAST_DRAWS = 30
DRAWS = 100

CURVE_NUMBER_SD = 3.0
CURVE_NUMBER_RANGE = (30.0, 99.0)
LIGHT_SHARE_RANGE = (0.4, 0.8)
WEIGHT_CONCENTRATION = 50.0


@dataclass(frozen=True, slots=True)
class Uncertain:
    """A parameter that is multiplied by a random factor.

    Attributes:
        name: Table, parameter or quantity of the services.
        of: What it is: a table by land cover, whose rows have a factor each; one number; or a
            layer, whose cells share the factor.
        variation: Coefficient of variation of the factor.
    """

    name: str
    of: Literal["table", "number", "layer"]
    variation: float


UNCERTAIN: tuple[Uncertain, ...] = (
    Uncertain("runoff_coefficient", "table", 0.30),
    Uncertain("crop_coefficient", "table", 0.10),
    Uncertain("rooting_depth", "table", 0.20),
    Uncertain("r_factor", "layer", 0.15),
    Uncertain("k_factor", "layer", 0.20),
    Uncertain("c_factor", "layer", 0.30),
    Uncertain("support_practice", "table", 0.20),
    Uncertain("shade", "table", 0.15),
    Uncertain("uhi_max", "number", 0.20),
    Uncertain("domestic_use", "number", 0.15),
    Uncertain("irrigation_use", "number", 0.20),
    Uncertain("emissions_total", "number", 0.10),
)
"""The twelve parameters with a lognormal factor; engineering defaults."""


@dataclass(frozen=True, slots=True)
class Draw:
    """One set of parameters; what it does not name stays as it is.

    Attributes:
        factors: Factor of each number and layer, median 1.
        row_factors: Factor of each table by land-cover class, median 1.
        curve_number_shift: Addend of the curve numbers of each land-cover class.
        light_share: β of the carbon demand.
        weights: Weight of each service, sum 1.
    """

    factors: Mapping[str, float] = field(default_factory=dict)
    row_factors: Mapping[str, Mapping[LandCover, float]] = field(default_factory=dict)
    curve_number_shift: Mapping[LandCover, float] = field(default_factory=dict)
    light_share: float | None = None
    weights: Mapping[str, float] | None = None


def draw_parameters(seed: int, weights: Mapping[str, float], count: int = DRAWS) -> Iterator[Draw]:
    """The draws of a run, each from its own child of one seed.

    All classes and parameters are drawn whether they occur or not, so that what a study holds does
    not change the numbers.

    Args:
        seed: Seed of the run.
        weights: Weights of the services, sum 1; the draws scatter about them.
        count: Number of draws, at least 30.

    Raises:
        InvalidInput: there are too few draws.
    """
    if count < LEAST_DRAWS:
        raise InvalidInput(
            f"mc.n is {count}; it must be at least {LEAST_DRAWS}",
            message_zh=f"mc.n 为 {count}，不得少于 {LEAST_DRAWS}",
            pointer="/mc/n",
        )
    for child in np.random.SeedSequence(seed).spawn(count):
        yield _draw(np.random.default_rng(child), weights)


def _draw(random: np.random.Generator, weights: Mapping[str, float]) -> Draw:
    factors: dict[str, float] = {}
    rows: dict[str, Mapping[LandCover, float]] = {}
    for one in UNCERTAIN:
        if one.of == "table":
            rows[one.name] = _by_class(lognormal_factors(random, one.variation, len(LandCover)))
        else:
            factors[one.name] = float(lognormal_factors(random, one.variation, 1)[0])
    return Draw(
        factors=factors,
        row_factors=rows,
        curve_number_shift=_by_class(random.normal(0.0, CURVE_NUMBER_SD, len(LandCover))),
        light_share=float(random.uniform(*LIGHT_SHARE_RANGE)),
        weights=_weights(random, weights),
    )


def lognormal_factors(random: np.random.Generator, variation: float, count: int) -> FloatArray:
    """Positive factors of median 1 whose coefficient of variation is `variation`."""
    spread = math.sqrt(math.log1p(variation**2))
    return np.exp(spread * random.standard_normal(count))


def shifted_curve_number(curve_number: float, shift: float) -> float:
    """A curve number moved by a draw, within the range in which it means something."""
    low, high = CURVE_NUMBER_RANGE
    return min(max(curve_number + shift, low), high)


def _by_class(values: FloatArray) -> dict[LandCover, float]:
    return {cover: float(value) for cover, value in zip(LandCover, values, strict=True)}


def _weights(random: np.random.Generator, weights: Mapping[str, float]) -> dict[str, float]:
    """Dirichlet(50·w); a service without weight stays without."""
    names = [name for name, weight in weights.items() if weight > 0]
    drawn = random.dirichlet([WEIGHT_CONCENTRATION * weights[name] for name in names])
    return dict.fromkeys(weights, 0.0) | dict(zip(names, map(float, drawn), strict=True))


_ZONES = len(ZONE_CLASSES)
_FEW = 255

Votes = NDArray[np.unsignedinteger]


@dataclass(slots=True)
class DrawTally:
    """Running mean, spread, deficits and votes of the cells of a window.

    The arrays may be windows of files mapped into memory; 2 · 4 bytes and six counts per cell.

    Attributes:
        mean: Mean of the comprehensive ratio so far.
        squares: Sum of squared deviations from it.
        deficits: Draws with a ratio below 0.
        votes: Draws by zone, zone 1 first.
        draws: Number of draws taken up.
    """

    mean: NDArray[np.float32]
    squares: NDArray[np.float32]
    deficits: Votes
    votes: Votes
    draws: int = field(default=0)

    @classmethod
    def empty(cls, shape: tuple[int, int], draws: int) -> "DrawTally":
        """A tally of so many draws to come; counts take one byte up to 255 of them."""
        counts = np.uint8 if draws <= _FEW else np.uint16
        return cls(
            mean=np.zeros(shape, dtype=np.float32),
            squares=np.zeros(shape, dtype=np.float32),
            deficits=np.zeros(shape, dtype=counts),
            votes=np.zeros((_ZONES, *shape), dtype=counts),
        )

    def add(self, ratio: FloatArray, zones: ClassArray) -> None:
        """Take up one draw (Welford 1962).

        Args:
            ratio: Comprehensive ratio, NaN nodata.
            zones: Zone codes, 0 nodata.
        """
        self.draws += 1
        before = self.mean.astype(np.float64)
        after = before + (ratio - before) / self.draws
        self.squares += ((ratio - before) * (ratio - after)).astype(np.float32)
        self.mean[:] = after
        self.deficits += ratio < 0
        for zone in range(_ZONES):
            self.votes[zone] += zones == zone + 1

    def result(self) -> "DrawResult":
        """What all draws together say."""
        nowhere = np.isnan(self.mean)
        counted = max(self.draws, 1)
        most = self.votes.max(axis=0)
        # Of equal votes argmax keeps the first, the stricter protection.
        modal = np.where(most > 0, self.votes.argmax(axis=0) + 1, 0).astype(np.uint8)
        return DrawResult(
            mean=self.mean.astype(np.float64),
            sd=np.sqrt(self.squares.astype(np.float64) / max(self.draws - 1, 1)),
            deficit_probability=np.where(nowhere, np.nan, self.deficits / counted),
            modal_zone=modal,
            zone_confidence=np.where(most > 0, most / counted, np.nan),
        )


@dataclass(frozen=True, slots=True)
class DrawResult:
    """Layers of the uncertainty of a zoning; NaN and 0 are nodata.

    Attributes:
        mean: Mean of the comprehensive ratio over the draws, −2…2.
        sd: Its sample standard deviation, at least 0.
        deficit_probability: Share of the draws with a ratio below 0, 0–1.
        modal_zone: Zone of most draws; of several the one with the lowest code.
        zone_confidence: Share of the draws in the modal zone, 0–1: the layer `stability`.
    """

    mean: FloatArray
    sd: FloatArray
    deficit_probability: FloatArray
    modal_zone: ClassArray
    zone_confidence: FloatArray
