"""Pareto/NBD: customers buy at steady rates until they fall silent at a moment of their own.

Schmittlein, Morrison and Colombo 1987; the likelihood as Fader and Hardie 2005 write it, with the integral
over the unknown moment worked out by quadrature, which is stable for every parameter, fast, and gives the
gradient along with it.
"""

from typing import ClassVar

import numpy as np
from scipy.special import expit

from analysis.models.likelihood import Rows, Terms, rising, total
from analysis.models.purchases import PurchaseModel
from analysis.texts import mark

NODES = 24  # of Gauss and Legendre's rule; see `silent`
DEEPEST = 40.0  # what is left of the integrand beyond e^-40 of its start is left out
_AT, _WEIGHT = np.polynomial.legendre.leggauss(NODES)
AT, WEIGHT = (_AT + 1) / 2, _WEIGHT / 2


class ParetoNBD(PurchaseModel):
    """Pareto/NBD: lifetimes are exponential, their rates gamma distributed (shape `s_`, rate `beta_`)."""

    parameters = ("r", "alpha", "s", "beta")
    starts: ClassVar = [(0.5, 0.4, 0.5, 0.4), (1.0, 1.0, 1.0, 1.0), (0.5, 0.3, 0.3, 3.0)]
    meaning = mark("no dropout visible in this window")

    def log_likelihood(self, values: np.ndarray, rows: Rows) -> tuple[float, np.ndarray]:
        r, alpha, s, beta = values
        up, up_r = rising(r, rows)

        def terms(x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> Terms:
            log_a, log_b = np.log(alpha + T), np.log(beta + T)
            active = -(r + x) * log_a - s * log_b
            silent, means = silent_terms(x, t_x, T, values)
            alive = expit(active - silent)
            gone = 1 - alive
            each = np.logaddexp(active, silent) + r * np.log(alpha) + s * np.log(beta)
            return each, [
                np.log(alpha) - alive * log_a - gone * means[0],
                r / alpha - (r + x) * (alive / (alpha + T) + gone * means[1]),
                np.log(beta) - alive * log_b - gone * (means[2] - 1 / s),
                s / beta - alive * s / (beta + T) - gone * (s + 1) * means[3],
            ]

        value, slope = total(terms, rows)
        return value + up, slope + np.array([up_r, 0.0, 0.0, 0.0])

    def p_alive_of(self, x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> np.ndarray:
        r, alpha, s, beta = self.values
        active = -(r + x) * np.log(alpha + T) - s * np.log(beta + T)
        return expit(active - silent_terms(x, t_x, T, self.values)[0])

    def while_alive(self, x: np.ndarray, T: np.ndarray, weeks: float) -> np.ndarray:
        """(r + x) / (α + T) · ∫ over the weeks of P(still active)."""
        r, alpha, s, beta = self.values
        stretch = np.log1p(weeks / (beta + T))
        lived = stretch if abs(s - 1) < 1e-9 else -np.expm1((1 - s) * stretch) / (s - 1)
        return (r + x) / (alpha + T) * (beta + T) * lived


def silent_terms(
    x: np.ndarray, t_x: np.ndarray, T: np.ndarray, values: np.ndarray
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Logarithm of s ∫ f(τ) dτ from t_x to T, f = (α + τ)^−(r + x) (β + τ)^−(s + 1), and means under f.

    The four means are of log(α + τ), 1 / (α + τ), log(β + τ) and 1 / (β + τ). The variable of integration is
    log(m + τ), m the smaller of α and β, in which f is an exponential times something smooth; Gauss and
    Legendre's rule with 24 nodes then errs by less than 1e-10 of the integral.
    """
    r, alpha, s, beta = values
    least = min(alpha, beta)
    power = (r + x)[:, None]
    with np.errstate(over="ignore"):
        fall = np.minimum(
            (alpha + t_x) * np.expm1(DEEPEST / (r + x)), (beta + t_x) * np.expm1(DEEPEST / (s + 1))
        )
    span = np.minimum(T - t_x, fall)
    stretch = np.log1p(span / (least + t_x))
    step = (least + t_x)[:, None] * np.expm1(stretch[:, None] * AT)  # τ − t_x
    in_alpha = np.log1p(step / (alpha + t_x)[:, None])
    in_beta = np.log1p(step / (beta + t_x)[:, None])
    wide = step + (least + t_x)[:, None]  # dτ = (m + τ) d log(m + τ)
    f = WEIGHT * wide * np.exp(-power * in_alpha - (s + 1) * in_beta)
    mass = f.sum(axis=1)
    share = f / np.maximum(mass, 1e-300)[:, None]
    tau = step + t_x[:, None]
    log_a, log_b = np.log(alpha + t_x), np.log(beta + t_x)
    with np.errstate(divide="ignore"):
        log_mass = np.log(mass) + np.log(stretch)
    means = [
        log_a + (share * in_alpha).sum(axis=1),
        (share / (alpha + tau)).sum(axis=1),
        log_b + (share * in_beta).sum(axis=1),
        (share / (beta + tau)).sum(axis=1),
    ]
    return np.log(s) - (r + x) * log_a - (s + 1) * log_b + log_mass, means
