"""The hazard by month of tenure and nothing else: all that very few ends can carry."""

from typing import Self

import numpy as np


class LifeTable:
    """Share of those at risk who left, by month of tenure: `hazard` (Kaplan-Meier of whole months).

    Where nobody was at risk the share over all months stands in. For errors there is a second table,
    `smoothed`, in which that share counts as one more customer in every month, so that none is 0 or 1.
    """

    def fit(self, month: np.ndarray, y: np.ndarray, weight: np.ndarray) -> Self:
        """Count months at risk and ends."""
        at_risk = np.bincount(month, weights=weight)[1:]
        ends = np.bincount(month, weights=weight * y, minlength=len(at_risk) + 1)[1:]
        exposed = float(at_risk.sum())
        self.exposed = exposed
        overall = float(ends.sum()) / exposed if exposed > 0 else 0.0
        guess = (float(ends.sum()) + 0.5) / (exposed + 1)
        share = np.divide(ends, at_risk, out=np.full(len(ends), overall), where=at_risk > 0)
        self.hazard = np.append(share, overall)  # the last stands for every later month
        n, d = np.append(at_risk, exposed), np.append(ends, ends.sum())
        self.smoothed = (d + guess) / (n + 1)
        self.variance = 1 / ((n + 1) * self.smoothed * (1 - self.smoothed))  # of its logit
        return self

    def unseen(self) -> float:
        """The hazard that months without any end leave possible: the exact upper 95 % limit, 1 of no months.

        As an interval of the binomial distribution: 1 − 0.025 ^ (1 / months at risk).
        """
        return 1 - float(0.025 ** (1 / self.exposed)) if self.exposed > 0 else 1.0

    def at(self, month: np.ndarray) -> np.ndarray:
        """Place of each month in the tables."""
        return np.minimum(month, len(self.hazard)) - 1

    def ahead(self, month: np.ndarray, months: int, smoothed: bool = False) -> np.ndarray:
        """Hazards of each row's next `months` months."""
        table = self.smoothed if smoothed else self.hazard
        return table[self.at(month[:, None] + np.arange(months))]

    def pull_back(self, month: np.ndarray, by_month: np.ndarray) -> np.ndarray:
        """Derivatives by the logits of the next months, as derivatives by the table's logits."""
        result = np.zeros((len(month), len(self.hazard)))
        rows = np.arange(len(month))
        for k in range(by_month.shape[1]):
            result[rows, self.at(month + k)] += by_month[:, k]
        return result
