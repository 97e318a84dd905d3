"""Rates of few cases drawn towards the rate of all: empirical Bayes with a beta prior.

A rep with 3 of 3 deals won is not a better seller than one with 80 of 100, only a less known one. The prior
is what the whole team is: a beta distribution around its pooled rate, as narrow as the reps are alike.

Source: Casella 1985, An introduction to empirical Bayes data analysis; the likelihood is that of the
beta-binomial (Skellam 1948).
"""

from collections.abc import Callable

import numpy as np
from scipy.special import betaincinv, betaln

from analysis.stats import ratio

LEAST = 1.0  # the prior is worth one case at least
GRID = 13  # points of the first look at the likelihood; the highest is then looked at more closely
STEPS = 40  # of the golden section; the last step is a 1e-8 of the first
GOLDEN = (5**0.5 - 1) / 2
FLAT = 1e-9  # a relative difference of likelihoods that says nothing


def shrunk(
    group: np.ndarray,
    won: np.ndarray,
    decided: np.ndarray,
    fits: np.ndarray,
    team_won: np.ndarray,
    team_decided: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Posterior mean of each member's rate and its 95 % interval (2.5 and 97.5 % of the posterior).

    The prior of a group is Beta(mean * M, (1 - mean) * M): mean is the team's rate won / decided, M what
    `prior_strength` finds. value = (won + mean * M) / (decided + M), so it lies between the member's own rate
    and the team's, the nearer to its own the more cases it has; a member without cases has the team's. Where
    the team won all or nothing the value is that, and the interval stands on a prior with half a case of the
    other kind.

    Parameters
    ----------
    group : for each member, the position of its group (here a period) in `team_won` and `team_decided`
    won, decided : its cases, which may be fractions (credits of split deals)
    fits : whether it has a say in M
    team_won, team_decided : all cases of each group, those of nobody included

    Returns
    -------
    value, low, high, one for each member; NaN where the team decided nothing.
    """
    mean = ratio(team_won, team_decided)[group]
    inside = ratio(team_won + 0.5, team_decided + 1)[group]
    strength = prior_strength(group[fits], won[fits], decided[fits], team_won, team_decided)[group]
    value = (won + mean * strength) / (decided + strength)
    own = np.where(decided > 0, ratio(won, decided), mean)
    value = np.clip(value, np.fmin(own, mean), np.fmax(own, mean))
    centre = np.where((mean > 0) & (mean < 1), mean, inside)
    a, b = won + centre * strength, decided - won + (1 - centre) * strength
    low, high = betaincinv(a, b, 0.025), betaincinv(a, b, 0.975)
    return value, np.minimum(low, value), np.maximum(high, value)


def prior_strength(
    group: np.ndarray,
    won: np.ndarray,
    decided: np.ndarray,
    team_won: np.ndarray,
    team_decided: np.ndarray,
) -> np.ndarray:
    """How many cases the team's rate is worth, M, for each group: by maximum likelihood of the beta-binomial.

    M lies between 1 and all cases the team decided: the prior cannot know more than all of them. Where the
    members differ no more than chance lets them, or the likelihood does not tell, it is the latter. Found by
    a grid over log M, then golden section around its highest point; nothing in it is random.
    """
    mean = ratio(team_won, team_decided)
    bottom, top = np.full(len(mean), np.log(LEAST)), np.log(np.fmax(team_decided, LEAST))
    open_ = np.isin(np.arange(len(mean)), group) & (mean > 0) & (mean < 1) & (top > bottom)
    take = open_[group]
    at = (np.cumsum(open_) - 1)[group[take]]
    x, n, mu = won[take], decided[take], mean[open_]

    def likelihood(log_strength: np.ndarray) -> np.ndarray:
        a, b = mu * np.exp(log_strength), (1 - mu) * np.exp(log_strength)
        each = betaln(x + a[at], n - x + b[at]) - betaln(a, b)[at]
        return np.bincount(at, each, minlength=len(mu))

    best = np.exp(top)
    best[open_] = np.exp(_highest(likelihood, bottom[open_], top[open_]))
    return best


def _highest(function: Callable[[np.ndarray], np.ndarray], bottom: np.ndarray, top: np.ndarray) -> np.ndarray:
    """Where in [bottom, top] each of many functions is highest; the top where it is as high as anywhere."""
    grid = np.linspace(bottom, top, GRID)
    peak = np.argmax([function(points) for points in grid], axis=0)
    each = np.arange(len(bottom))
    start, end = grid[np.maximum(peak - 1, 0), each], grid[np.minimum(peak + 1, GRID - 1), each]
    left, right = end - GOLDEN * (end - start), start + GOLDEN * (end - start)
    at_left, at_right = function(left), function(right)
    for _ in range(STEPS):
        lower = at_left > at_right
        start, end = np.where(lower, start, left), np.where(lower, right, end)
        new = np.where(lower, end - GOLDEN * (end - start), start + GOLDEN * (end - start))
        at_new = function(new)
        left, right = np.where(lower, new, right), np.where(lower, left, new)
        at_left, at_right = np.where(lower, at_new, at_right), np.where(lower, at_left, at_new)
    found = (start + end) / 2
    height, at_top = function(found), function(top)
    return np.where(at_top >= height - FLAT * (1 + np.abs(height)), top, found)
