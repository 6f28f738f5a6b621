"""Green space within reach of people, in both directions."""

import numpy as np

from shanhai.science.arrays import FloatArray
from shanhai.science.focal import gaussian_sum
from shanhai.science.grid import SQUARE_METRES_PER_HECTARE


def people_within_reach(*, population: FloatArray, reach_m: float, cell_m: float) -> FloatArray:
    """People who can reach a cell, the nearer the more of them, `Σ_k P_k·f(d_jk)`.

    Args:
        population: Persons/cell; NaN are none.
        reach_m: Distance d0 at which f falls to 0, m.
        cell_m: Side of a cell, m.

    Returns:
        Persons, ≥ 0, known everywhere. Sums are not corrected at the edge of the raster.

    Source: InVEST urban nature access.
    """
    return gaussian_sum(population, reach_m, cell_m)


def nature_per_person(*, nature_m2: FloatArray, people_within_reach: FloatArray) -> FloatArray:
    """Green space of a cell for each of the people who can reach it.

    Args:
        nature_m2: Green space of the cell, m².
        people_within_reach: Persons; fewer than one count as one.

    Returns:
        m²/person; NaN where green space is.

    Source: InVEST urban nature access.
    """
    return nature_m2 / np.maximum(people_within_reach, 1.0)


def nature_within_reach(
    *, nature_per_person: FloatArray, reach_m: float, cell_m: float
) -> FloatArray:
    """Green space a person of a cell has within reach, `A_i = Σ_j R_j·f(d_ij)`.

    Args:
        nature_per_person: R_j, m²/person; NaN adds nothing.
        reach_m: Distance d0 at which f falls to 0, m.
        cell_m: Side of a cell, m.

    Returns:
        m²/person, ≥ 0; NaN where R is. Sums are not corrected at the edge of the raster.

    Source: InVEST urban nature access.
    """
    near = gaussian_sum(nature_per_person, reach_m, cell_m)
    return np.where(np.isnan(nature_per_person), np.nan, near)


def nature_supplied(
    *, nature_within_reach: FloatArray, population: FloatArray, cell_m: float
) -> FloatArray:
    """Green space the people of a cell have, `A_i·P_i/A_ha`.

    Args:
        nature_within_reach: m²/person.
        population: Persons/cell.
        cell_m: Side of a cell, m.

    Returns:
        m²/ha, ≥ 0; NaN where an input is.
    """
    return nature_within_reach * population / (cell_m**2 / SQUARE_METRES_PER_HECTARE)


def nature_demanded(*, population: FloatArray, nature_standard: float, cell_m: float) -> FloatArray:
    """Green space the people of a cell are to have, `g_cap·P_i/A_ha`.

    Args:
        population: Persons/cell.
        nature_standard: g_cap, m²/person.
        cell_m: Side of a cell, m.

    Returns:
        m²/ha, ≥ 0; NaN stays NaN.
    """
    return nature_standard * population / (cell_m**2 / SQUARE_METRES_PER_HECTARE)
