import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.survival import (
    aalen_johansen,
    event_table,
    event_tables,
    incidence_curve,
    kaplan_meier,
    log_rank,
    median_time,
    median_times,
    nelson_aalen,
    survival_at,
    values_at,
    with_incidence,
    with_survival,
)
from conftest import real_data


def test_kaplan_meier_worked_by_hand():
    curve = kaplan_meier([1, 2, 2, 3], [1, 1, 0, 1])
    np.testing.assert_allclose(curve["survival"], [3 / 4, 1 / 2, 0], atol=1e-15)
    np.testing.assert_array_equal(curve["at_risk"], [4, 3, 1])
    np.testing.assert_array_equal(curve["events"], [1, 1, 1])


def test_the_median_waits_for_what_is_still_open():
    durations = [10, 12, 15, 20, 25, 30, 40, 45, 60, 90]
    assert median_time(kaplan_meier(durations, [1] * 6 + [0] * 4)) == 25
    assert np.median(durations[:6]) == 17.5
    assert np.isnan(median_time(kaplan_meier([5, 9, 9, 9], [1, 0, 0, 0]))), "not reached"


def test_a_curve_is_one_before_the_first_event_and_steps_at_it():
    curve = kaplan_meier([2, 4], [1, 1])
    np.testing.assert_array_equal(survival_at(curve, [0, 1.9, 2, 3.9, 4, 99]), [1, 1, 0.5, 0.5, 0, 0])


def test_nelson_aalen_in_both_conventions():
    durations, observed = [1, 2, 2, 3], [1, 1, 1, 0]
    np.testing.assert_allclose(nelson_aalen(durations, observed), [1 / 4, 1 / 4 + 2 / 3])
    np.testing.assert_allclose(nelson_aalen(durations, observed, tied=False), [1 / 4, 1 / 4 + 1 / 3 + 1 / 2])


def test_who_comes_late_is_at_risk_only_from_then_on():
    table = event_table([5, 6, 7], [1, 1, 1], entry=[0, 5, 2])
    np.testing.assert_array_equal(table["at_risk"], [2, 2, 1])


def test_competing_ends_worked_by_hand():
    incidence = aalen_johansen([1, 2, 3, 4, 5], [1, 2, 0, 1, 0])
    np.testing.assert_allclose(incidence[1], [0.2, 0.2, 0.2 + 0.6 / 2])
    np.testing.assert_allclose(incidence[2], [0.0, 0.2, 0.2])


def test_exactly_one_half_is_reached_whatever_the_last_bits_of_the_product_are():
    for n in range(2, 200, 2):
        assert median_time(kaplan_meier(np.arange(1, n + 1), np.ones(n))) == n / 2


def test_the_interval_of_an_incidence_worked_by_hand():
    curve = incidence_curve([1, 2, 3, 4, 5], [1, 2, 0, 1, 0])
    np.testing.assert_allclose(curve["incidence"], [0.2, 0.2, 0.5])
    # day 1: 1 of 5. Day 4: what day 1 adds, what the other cause on day 2 adds, what day 4 adds.
    first = 0.3**2 / (5 * 4) + 1 * 4 / 125 - 2 * 0.3 * 1 / 25
    np.testing.assert_allclose(curve["variance"], [4 / 125, 4 / 125, first + 0.3**2 / 12 + 0.6**2 / 8])
    half = 1.959963984540054 * np.sqrt(4 / 125) / (0.2 * np.log(0.2))
    np.testing.assert_allclose(curve.loc[1, "incidence_low"], 0.2 ** np.exp(-half))
    np.testing.assert_allclose(curve.loc[1, "incidence_high"], 0.2 ** np.exp(half))


def test_the_interval_of_an_incidence_is_what_lifelines_gives():
    curve = incidence_curve([2, 3, 5, 5, 7, 8, 11, 12, 13, 15], [1, 2, 1, 1, 0, 2, 1, 0, 2, 0])
    expected = {  # AalenJohansenFitter of lifelines 0.30.3
        2: (0.1, 0.009, 0.005723456374335, 0.358127460508070),
        5: (0.3, 0.021, 0.071134492323005, 0.577867330625236),
        11: (0.42, 0.02628, 0.125569352680562, 0.695797799792265),
    }
    for time, row in expected.items():
        got = curve.loc[time, ["incidence", "variance", "incidence_low", "incidence_high"]]
        np.testing.assert_allclose(got, row, atol=1e-12)


SUBJECTS = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 2)), min_size=1, max_size=60)


@given(SUBJECTS)
def test_incidences_and_survival_sum_to_one_and_repeated_subjects_are_weights(subjects):
    time, cause = (np.array(column) for column in zip(*subjects, strict=True))
    incidence = aalen_johansen(time, cause)
    curve = kaplan_meier(time, cause > 0)
    np.testing.assert_allclose(incidence.sum(axis=1) + curve["survival"], 1, atol=1e-12)
    counts = pd.Series(1, index=pd.MultiIndex.from_arrays([time, cause > 0])).groupby(level=[0, 1]).sum()
    grouped = kaplan_meier(*(counts.index.get_level_values(i) for i in (0, 1)), weights=counts.to_numpy())
    pd.testing.assert_frame_equal(grouped, curve)


@given(SUBJECTS)
def test_without_a_competing_cause_an_incidence_has_greenwoods_variance(subjects):
    time, cause = (np.array(column) for column in zip(*subjects, strict=True))
    curve, alone = kaplan_meier(time, cause > 0), incidence_curve(time, cause > 0)
    np.testing.assert_allclose(alone["incidence"], 1 - curve["survival"], atol=1e-12)
    n, d = curve["at_risk"], curve["events"]
    going_on = n > d
    greenwood = curve["survival"] ** 2 * (d / (n * (n - d))[going_on]).cumsum()
    np.testing.assert_allclose(alone["variance"][going_on], greenwood[going_on], atol=1e-12)


@given(SUBJECTS)
def test_without_censoring_an_incidence_is_a_share_with_the_variance_of_one(subjects):
    time, cause = (np.array(column) for column in zip(*subjects, strict=True))
    curve = incidence_curve(time, cause + 1)
    share = np.array([((time <= t) & (cause == 0)).mean() for t in curve.index])
    np.testing.assert_allclose(curve["incidence"], share, atol=1e-12)
    np.testing.assert_allclose(curve["variance"], share * (1 - share) / len(time), atol=1e-12)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9), st.integers(0, 2)), max_size=60))
def test_many_curves_at_once_are_the_curves_one_by_one(subjects):
    group, time, cause = np.array(subjects, dtype="int64").reshape(-1, 3).T
    table = with_incidence(with_survival(event_tables(group, time, cause)))
    medians = {c: median_times(table, 4, c) for c in ("survival", "low", "high")}
    at_five = values_at(table, 4, 5, table[["survival"]].to_numpy(), 1)[:, 0]
    for each in range(4):
        mine = group == each
        curve = kaplan_meier(time[mine], cause[mine] > 0)
        alone = incidence_curve(time[mine], cause[mine])
        got = table[table["group"] == each].set_index("time").drop(columns="group")
        got.index = got.index.astype("float64")
        pd.testing.assert_frame_equal(got[curve.columns], curve)
        pd.testing.assert_frame_equal(got[alone.columns], alone)
        for column, found in medians.items():
            np.testing.assert_array_equal(found[each], median_time(curve, column))
        assert at_five[each] == survival_at(curve, [5])[0]


@given(SUBJECTS)
def test_without_censoring_kaplan_meier_is_the_share_that_lasted_longer(subjects):
    time = np.array([t for t, _ in subjects])
    curve = kaplan_meier(time, np.ones(len(time)))
    np.testing.assert_allclose(curve["survival"], [(time > t).mean() for t in curve.index], atol=1e-12)


@given(SUBJECTS)
def test_groups_that_are_the_same_cannot_be_told_apart(subjects):
    time, cause = (np.array(column) for column in zip(*subjects, strict=True))
    test = log_rank(np.tile(time, 2), np.tile(cause > 0, 2), np.repeat(["a", "b"], len(time)))
    assert test.statistic == pytest.approx(0, abs=1e-9)
    assert test.degrees == 1


def test_bad_durations_are_refused():
    with pytest.raises(ValueError, match="negative"):
        kaplan_meier([-1, 2], [1, 1])
    with pytest.raises(ValueError, match="negative"):
        event_tables([0, 0], [-1, 2], [1, 1])
    with pytest.raises(ValueError, match="two groups"):
        log_rank([1, 2], [1, 1], ["a", "a"])


@pytest.mark.parametrize("n", [10, 14, 22, 195])
def test_when_all_have_ended_the_incidence_is_1_and_has_no_interval_whatever_the_last_bits(n):
    curve = incidence_curve(np.arange(1, n + 1), np.ones(n, dtype=int))
    ends = curve[["incidence_low", "incidence_high"]].to_numpy()
    assert curve["incidence"].iloc[-1] == pytest.approx(1, abs=1e-12)
    assert np.isnan(ends[-1]).all()
    assert (ends[:-1, 0] < curve["incidence"].to_numpy()[:-1]).all()
    assert (ends[:-1, 1] > curve["incidence"].to_numpy()[:-1]).all()


def telco() -> pd.DataFrame:
    """A public snapshot of a telephone company's customers; the figures were computed with other
    libraries.
    """
    return pd.read_csv(next(real_data("telco_churn").glob("*.csv")))


MONTHS = (1, 6, 12, 24, 36, 48, 60, 72)
ALL = [
    .9459613196814566, .8848262389332724, .8431995538158302, .7887363983705965, .7485454148763702,
    .7088401843460741,
    .6644039143747397, .5927901520522275,
]  # fmt: skip
CONTRACTS = {
    "Month-to-month": [.7030966363, .5859154739, .3972637790, .1289519006],
    "One year": [.9908082041, .9782723764, .9165468042, .5681456820],
    "Two year": [1, 1, .9957189310, .9357385806],
}  # fmt: skip


def test_telco_curve_interval_and_log_rank_to_ten_digits():
    data = telco()
    time, left = data["tenure"], data["Churn"] == "Yes"
    curve = kaplan_meier(time, left)
    np.testing.assert_allclose(survival_at(curve, MONTHS), ALL, atol=1e-10)
    ends = [survival_at(curve, [12], column)[0] for column in ("low", "high")]
    np.testing.assert_allclose(ends, [0.8341686858, 0.8517833207], atol=1e-10)
    for contract, expected in CONTRACTS.items():
        mine = data["Contract"] == contract
        got = survival_at(kaplan_meier(time[mine], left[mine]), (12, 24, 48, 72))
        np.testing.assert_allclose(got, expected, atol=1e-10)
    test = log_rank(time, left, data["Contract"])
    assert test.statistic == pytest.approx(2352.8725382593, abs=1e-9)
    assert test.degrees == 2
