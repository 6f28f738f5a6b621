"""Soft borders: a mixture of normal distributions, with the probability of every membership."""

from dataclasses import dataclass

import numpy as np
from sklearn.mixture import GaussianMixture

from shanhai.science.arrays import FloatArray, IntArray

_REGULARISATION = 1e-6
_MAX_ITERATIONS = 500


@dataclass(frozen=True, slots=True)
class Mixture:
    """A fitted mixture.

    Attributes:
        labels: Likeliest component of every unit.
        membership: One row per unit, one column per component, rows summing to 1.
        bic: Bayesian information criterion of the fit; lower is better.
    """

    labels: IntArray
    membership: FloatArray
    bic: float


def fit_mixture(
    features: FloatArray, sample: FloatArray, k: int, seed: int, starts: int
) -> Mixture:
    """Fit k normal distributions of full covariance to the sample, and judge every unit by them.

    Args:
        features: One row per unit, standardised.
        sample: The rows to fit to.
        k: Number of components.
        seed: Seed of the starts.
        starts: Number of independent starts; the likeliest is kept.

    Source: Dempster, Laird and Rubin 1977; Schwarz 1978.
    """
    model = GaussianMixture(
        n_components=k,
        covariance_type="full",
        reg_covar=_REGULARISATION,
        max_iter=_MAX_ITERATIONS,
        n_init=starts,
        random_state=seed,
    ).fit(sample)
    membership = np.asarray(model.predict_proba(features), dtype=np.float64)
    labels = membership.argmax(axis=1).astype(np.int64)
    return Mixture(labels, membership, float(model.bic(sample)))
