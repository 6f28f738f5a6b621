"""What many draws say of each cell, taken up draw by draw and window by window."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from shanhai.science.arrays import ClassArray, FloatArray
from shanhai.vocabulary import ZONE_CLASSES

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
