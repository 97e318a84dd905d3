import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from analysis.stats import growth, median_ranks, newcombe, ratio, summaries, wilson


def test_a_ratio_without_denominator_is_missing_never_zero_or_infinite():
    np.testing.assert_array_equal(ratio([1, 0, 3, np.nan], [0, 0, 4, 2]), [np.nan, np.nan, 0.75, np.nan])


def test_growth_needs_a_base_above_zero():
    np.testing.assert_allclose(growth([150, 50, 10, 10], [100, 100, 0, -5]), [0.5, -0.5, np.nan, np.nan])


@pytest.mark.parametrize(("won", "of", "low", "high"), [(3, 4, 0.301, 0.954), (30, 40, 0.598, 0.858)])
def test_wilson_gives_the_published_intervals(won, of, low, high):
    got = wilson([won], [of])
    assert (round(got[0][0], 3), round(got[1][0], 3)) == (low, high)


@given(st.integers(0, 500), st.integers(1, 500))
def test_wilson_holds_the_share_and_stays_between_zero_and_one(won, more):
    trials = won + more
    low, high = wilson([won], [trials])
    assert 0 <= low[0] <= won / trials + 1e-12
    assert won / trials - 1e-12 <= high[0] <= 1


@pytest.mark.parametrize(
    ("side", "other", "low", "high"),
    [  # Newcombe 1998, Statistics in Medicine 17, 873-890, table II, method 10
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_newcombe_gives_the_published_intervals(side, other, low, high):
    got = newcombe([side[0]], [side[1]], [other[0]], [other[1]])
    assert (round(got[0][0], 4), round(got[1][0], 4)) == (low, high)


@given(st.integers(0, 50), st.integers(1, 50), st.integers(0, 50), st.integers(1, 50))
def test_newcombe_holds_the_difference_stays_within_one_and_turns_with_the_sides(x, more_x, y, more_y):
    m, n = x + more_x, y + more_y
    low, high = newcombe([x], [m], [y], [n])
    assert -1 - 1e-12 <= low[0] <= x / m - y / n + 1e-12
    assert x / m - y / n - 1e-12 <= high[0] <= 1 + 1e-12
    back = newcombe([y], [n], [x], [m])
    np.testing.assert_allclose([back[0][0], back[1][0]], [-high[0], -low[0]], atol=1e-12)


def test_newcombe_needs_trials_on_both_sides():
    low, high = newcombe([0, 3], [0, 4], [1, 0], [2, 0])
    assert np.isnan([*low, *high]).all()


@given(st.integers(6, 400))
def test_the_ranks_around_a_median_cover_at_least_95_percent_and_no_narrower_pair_does(n):
    low, high = median_ranks(n)
    assert low + high == n + 1
    coverage = binom.cdf(high - 1, n, 0.5) - binom.cdf(low - 1, n, 0.5)
    assert coverage >= 0.95
    assert binom.cdf(high - 2, n, 0.5) - binom.cdf(low, n, 0.5) < 0.95


def test_fewer_than_six_values_have_no_interval_around_the_median():
    assert [median_ranks(n) for n in range(6)] == [None] * 6
    assert median_ranks(6) == (1, 6)


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(-1e6, 1e6)), min_size=1, max_size=60))
def test_order_statistics_equal_numpys_in_every_group(pairs):
    groups, values = np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs])
    got = summaries(groups, values)
    for group, row in got.iterrows():
        own = values[groups == group]
        assert row["n"] == len(own)
        np.testing.assert_allclose(row["median"], np.median(own), rtol=1e-12, atol=1e-6)
        np.testing.assert_allclose(row["p90"], np.percentile(own, 90), rtol=1e-9, atol=1e-6)
        np.testing.assert_allclose(row["mean"], own.mean(), rtol=1e-9, atol=1e-6)


def test_no_values_have_no_order_statistics():
    assert summaries(np.array([], dtype=int), np.array([])).empty
