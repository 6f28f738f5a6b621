"""Values at positions between cells."""

from shanhai.science.grid import FloatArray, IntArray
from shanhai.science.kernels import compiled


@compiled
def sum_weighted(
    values: FloatArray, places: IntArray, weights: FloatArray, sums: FloatArray
) -> None:
    """Sum weighted values, as cells around a position, one after the other in the order given.

    Args:
        values: Rows of any unit, such as the cells of each band; NaN makes a sum NaN.
        places: By term and sum, the column of a value.
        weights: By term and sum, its weight.
        sums: Takes a row for each of the values.
    """
    for row in range(values.shape[0]):
        for at in range(places.shape[1]):
            total = 0.0
            for term in range(places.shape[0]):
                total += values[row, places[term, at]] * weights[term, at]
            sums[row, at] = total
