"""Scores of predicted survival: by hand, against plain loops, and against figures of another library."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.models.survival_scores import (
    brier_scores,
    calibration_error,
    calibration_table,
    censoring_curve,
    count_below,
    curve_baseline,
    integrated_brier_score,
    survival_report,
    uno_concordance,
)
from analysis.survival import kaplan_meier, log_rank, survival_at
from conftest import real_data

TIME = np.array([1, 2, 2, 3, 4, 4, 5, 6, 7, 7, 8, 9])
ENDED = np.array([1, 1, 0, 1, 0, 1, 1, 0, 1, 1, 0, 0], dtype=bool)
RISK = np.array([9, 7, 8, 5, 6, 6, 3, 4, 2, 3, 1, 0.5])
TRAIN_TIME = np.array([1, 1, 2, 3, 3, 4, 5, 6, 6, 7, 8, 9, 10])
TRAIN_ENDED = np.array([1, 0, 1, 0, 1, 1, 0, 1, 0, 1, 1, 0, 0], dtype=bool)
GRID = [2, 4, 6, 8]
SURVIVAL = np.exp(-np.outer(RISK, GRID) / 40)
BRIER = [0.10637650987186698, 0.13525932138528288, 0.1387554666494916, 0.18035868443730896]
IBS, UNO = 0.1391274617297875, 0.886328118574084


def test_the_censoring_curve_counts_an_end_before_a_censoring_of_the_same_time():
    curve = censoring_curve([1, 1, 2, 3], [True, False, False, True])
    np.testing.assert_allclose(curve, [1 - 1 / 3, (1 - 1 / 3) * (1 - 1 / 2), (1 - 1 / 3) * (1 - 1 / 2)])


def test_without_censoring_the_brier_score_is_the_mean_squared_error():
    curve = censoring_curve([1, 2, 3, 4], np.ones(4, dtype=bool))
    survival = np.array([[0.2, 0.1], [0.5, 0.4], [0.6, 0.5], [0.9, 0.8]])
    scores = brier_scores(survival, [1, 2, 3, 4], np.ones(4, dtype=bool), [1, 2], curve)
    by_hand = [
        (0.2**2 + 0.5**2 + 0.4**2 + 0.1**2) / 4,
        (0.1**2 + 0.4**2 + 0.5**2 + 0.2**2) / 4,
    ]
    np.testing.assert_allclose(scores, by_hand)
    mean = integrated_brier_score(survival, [1, 2, 3, 4], np.ones(4, dtype=bool), [1, 2], curve)
    assert mean == pytest.approx(sum(by_hand) / 2)


def test_scores_agree_with_another_library():
    """Figures of scikit-survival 0.28 for the same twelve customers."""
    curve = censoring_curve(TRAIN_TIME, TRAIN_ENDED)
    np.testing.assert_allclose(brier_scores(SURVIVAL, TIME, ENDED, GRID, curve), BRIER, rtol=1e-12)
    assert integrated_brier_score(SURVIVAL, TIME, ENDED, GRID, curve) == pytest.approx(IBS, rel=1e-12)
    assert uno_concordance(RISK, TIME, ENDED, curve, 8) == pytest.approx(UNO, rel=1e-12)


CUSTOMERS = st.lists(st.tuples(st.integers(1, 12), st.booleans(), st.integers(0, 5)), min_size=1, max_size=40)


@given(CUSTOMERS)
def test_concordance_is_that_of_all_pairs_looked_at_one_by_one(customers):
    time, ended, risk = (np.array(column) for column in zip(*customers, strict=True))
    curve = censoring_curve(time, ended)
    good = pairs = 0.0
    for i in np.flatnonzero(ended & (time < 10)):
        watched = survival_at(curve.to_frame("survival"), [time[i]])[0]
        weight = watched**-2.0 if watched > 0 else 0.0
        for j in range(len(time)):
            if time[j] > time[i] or (time[j] == time[i] and not ended[j]):
                pairs += weight
                good += weight * (1.0 if risk[i] > risk[j] else 0.5 if risk[i] == risk[j] else 0)
    value = uno_concordance(risk, time, ended, curve, 10)
    assert np.isnan(value) if pairs == 0 else value == pytest.approx(good / pairs)


@given(st.lists(st.integers(0, 9), max_size=30), st.integers(0, 30), st.integers(0, 12))
def test_ranks_below_a_limit_are_counted(ranks, first, limit):
    first = min(first, len(ranks))
    counted = count_below(np.array(ranks, dtype="int64"), np.array([first]), np.array([limit]))
    assert counted[0] == sum(rank < limit for rank in ranks[:first])


def test_better_ordered_risks_have_the_higher_concordance():
    curve = censoring_curve(TIME, ENDED)
    lasted = TIME + 0.5 * ~ENDED
    assert uno_concordance(-lasted, TIME, ENDED, curve, 9) == pytest.approx(1)
    assert uno_concordance(lasted, TIME, ENDED, curve, 9) == 0
    assert uno_concordance(np.zeros(12), TIME, ENDED, curve, 9) == 0.5
    assert np.isnan(uno_concordance([], [], [], curve, 9))


def test_calibration_worked_by_hand():
    churn = [0.1, 0.1, 0.1, 0.1, 0.6, 0.6, 0.6, 0.6]
    time, ended = [12, 5, 12, 12, 3, 4, 12, 12], [0, 1, 0, 0, 1, 1, 0, 0]
    table = calibration_table(churn, time, ended, 12, bins=2)
    assert table["n"].tolist() == [4, 4]
    np.testing.assert_allclose(table["predicted"], [0.1, 0.6])
    np.testing.assert_allclose(table["observed"], [0.25, 0.5])
    assert calibration_error(table) == pytest.approx((0.15 + 0.1) / 2)
    assert (table["low"] < table["observed"]).all()
    assert (table["observed"] < table["high"]).all()


def test_one_prediction_for_all_is_one_group():
    table = calibration_table(np.full(12, 0.4), TIME, ENDED, 5)
    assert table["n"].tolist() == [12]
    assert np.isfinite(table.to_numpy(dtype="float64")).all()


def test_the_baseline_is_the_curve_of_ones_own_group():
    groups, wanted = np.array(["a", "b"] * 6), np.array(["b", "a", "new"])
    rows = curve_baseline(TIME, ENDED, GRID, groups, wanted)
    for row, mine in zip(rows, (groups == "b", groups == "a", groups != ""), strict=True):
        np.testing.assert_allclose(row, survival_at(kaplan_meier(TIME[mine], ENDED[mine]), GRID))
    assert curve_baseline(TIME, ENDED, GRID).shape == (1, 4)


def test_the_report_names_its_scores_and_leaves_out_what_it_cannot_see():
    report = survival_report(SURVIVAL, TIME, ENDED, GRID, (TRAIN_TIME, TRAIN_ENDED), (4, 12))
    assert report.index.tolist() == ["ibs", "uno_c", "ece_4"]
    assert report["ibs"] == pytest.approx(IBS)


def test_the_baselines_of_a_telephone_company_to_ten_digits():
    """Kaplan-Meier by contract, and log-rank between the contracts, computed with other libraries."""
    data = pd.read_csv(next(real_data("telco_churn").glob("*.csv")))
    time, left, contract = data["tenure"], data["Churn"] == "Yes", data["Contract"]
    wanted = ["Month-to-month", "One year", "Two year"]
    expected = [
        [0.7030966363, 0.5859154739, 0.3972637790, 0.1289519006],
        [0.9908082041, 0.9782723764, 0.9165468042, 0.5681456820],
        [1, 1, 0.9957189310, 0.9357385806],
    ]
    found = curve_baseline(time, left, (12, 24, 48, 72), contract, wanted)
    np.testing.assert_allclose(found, expected, atol=1e-10)
    test = log_rank(time, left, contract)
    assert test.statistic == pytest.approx(2352.8725382593, abs=1e-10)
