"""Win rates drawn towards the team's: the estimate itself and the KPI made of it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, betabinom

from analysis.shrinkage import prior_strength, shrunk
from companies import cell, kpis_of, values

TEAM = ["team"]
KPI = "win_rate_shrunk"


def one_team(*members: tuple[float, float], nobody: tuple[float, float] = (0, 0)):
    """Value, low and high of each (won, decided) of one period, and M; `nobody` are deals of no rep."""
    won, decided = np.array([*members, nobody], dtype="float64").T
    group, fits = np.zeros(len(won), dtype="int64"), np.arange(len(won)) < len(members)
    team = np.array([won.sum()]), np.array([decided.sum()])
    found = shrunk(group, won, decided, fits, *team)
    return *found, prior_strength(group[fits], won[fits], decided[fits], *team)[0]


# --- the estimate -----------------------------------------------------------------------------------------


def test_of_one_deal_each_nothing_tells_the_reps_apart_and_the_team_counts_with_all_its_deals():
    value, low, high, strength = one_team((1, 1), (0, 1))
    assert strength == pytest.approx(2)  # the prior is Beta(1, 1), the winner's posterior Beta(2, 1)
    assert value == pytest.approx([2 / 3, 1 / 3, 0.5])
    assert low[:2] == pytest.approx([math.sqrt(0.025), 1 - math.sqrt(0.975)])
    assert high[:2] == pytest.approx([math.sqrt(0.975), 1 - math.sqrt(0.025)])


def test_where_reps_differ_as_far_as_can_be_the_team_is_worth_a_single_deal():
    value, *_, strength = one_team((10, 10), (0, 10))
    assert strength == pytest.approx(1)
    assert value[:2] == pytest.approx([10.5 / 11, 0.5 / 11])


def test_reps_as_alike_as_chance_lets_them_be_are_all_drawn_to_the_team_s_deals():
    value, low, high, strength = one_team((30, 40), (15, 20), (3, 4))
    assert strength == pytest.approx(64)
    assert value == pytest.approx([0.75] * 4)
    widths = high - low
    assert widths[0] < widths[1] < widths[2] < widths[3], "the fewer deals, the wider"


def test_the_strength_is_where_scipy_s_beta_binomial_is_likeliest_and_the_interval_its_beta_s():
    members = [(9, 30), (14, 20), (2, 3), (5, 25), (0, 1), (11, 16), (20, 50)]
    won, decided = np.array(members).T
    value, low, high, strength = one_team(*members)
    mean = won.sum() / decided.sum()
    tried = np.exp(np.linspace(0, np.log(decided.sum()), 20001))
    heights = [betabinom.logpmf(won, decided, mean * m, (1 - mean) * m).sum() for m in tried]
    assert strength == pytest.approx(tried[int(np.argmax(heights))], rel=1e-3)
    posterior = beta(won + mean * strength, decided - won + (1 - mean) * strength)
    assert value[:-1] == pytest.approx(posterior.mean())
    assert low[:-1] == pytest.approx(posterior.ppf(0.025))
    assert high[:-1] == pytest.approx(posterior.ppf(0.975))


def test_deals_of_nobody_move_the_team_s_rate_but_not_the_likeness_of_the_reps():
    strengths = [one_team((6, 10), (6, 10), (2, 10), nobody=nobody)[-1] for nobody in ((0, 0), (14, 30))]
    assert strengths[0] == pytest.approx(strengths[1], rel=1e-6), "the same mean, and the limit is far"
    with_nobody = one_team((6, 10), (6, 10), (2, 10), nobody=(25, 30))
    assert with_nobody[0][0] > 0.6 > with_nobody[0][2]


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ([(4, 4), (1, 1)], [1, 1]),
        ([(0, 4), (0, 1)], [0, 0]),
        ([(3, 4)], [0.75]),
        ([(3, 4), (0, 0)], [0.75, 0.75]),
        ([(0.333333, 1), (0.333333, 0.333333)], None),
        ([(1, 400), (0, 399)], None),
    ],
)
def test_teams_that_won_all_or_nothing_or_of_one_rep_have_sensible_numbers_too(members, expected):
    value, low, high, _ = one_team(*members)
    assert np.isfinite([value, low, high]).all()
    assert ((low >= 0) & (low <= value) & (value <= high) & (high <= 1)).all()
    assert (high > low).all(), "few deals never leave no doubt"
    if expected:
        assert value[:-1] == pytest.approx(expected)


def test_a_period_without_a_decided_deal_has_no_team_to_be_drawn_to():
    none = np.array([], dtype="int64")
    value, low, high = shrunk(none, *(np.array([]),) * 2, none.astype(bool), np.array([0.0]), np.array([0.0]))
    assert len(value) == len(low) == len(high) == 0
    assert prior_strength(none, np.array([]), np.array([]), np.array([0.0]), np.array([0.0])) == [1]


people = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 60), st.sampled_from([1.0, 0.5, 1 / 3])).map(
        lambda t: (t[0] * t[2], (t[0] + t[1]) * t[2])
    ),
    min_size=1,
    max_size=8,
).filter(lambda members: sum(decided for _, decided in members) > 0)


@given(members=people, nobody=st.tuples(st.integers(0, 9), st.integers(0, 9)))
def test_an_estimate_lies_between_the_rep_s_rate_and_the_team_s_whatever_the_deals(members, nobody):
    none = (nobody[0], sum(nobody))
    value, low, high, strength = one_team(*members, nobody=none)
    won, decided = np.array([*members, none]).T
    mean = won.sum() / decided.sum()
    own = np.divide(won, decided, out=np.full(len(won), mean), where=decided > 0)
    assert (value >= np.minimum(own, mean)).all()
    assert (value <= np.maximum(own, mean)).all()
    assert (low <= value).all()
    assert (value <= high).all()
    assert np.isfinite([value, low, high]).all()
    assert 1 <= strength <= max(1, decided.sum() * (1 + 1e-12))


@given(members=people, times=st.integers(2, 20))
def test_of_two_reps_with_the_same_rate_the_one_with_more_deals_is_nearer_to_it(members, times):
    won, decided = members[0]
    value, *_ = one_team(*members, (won * times, decided * times))
    own = won / decided if decided else value[0]
    assert abs(value[-2] - own) <= abs(value[0] - own) + 1e-12


@given(first=people, second=people)
def test_periods_know_nothing_of_each_other_and_the_order_of_reps_does_not_matter(first, second):
    alone = [one_team(*members)[:3] for members in (first, second)]
    won, decided = np.array([*second[::-1], *first[::-1]]).T
    group = np.repeat([1, 0], [len(second), len(first)])
    team = [np.array([sum(m[i] for m in members) for members in (first, second)]) for i in (0, 1)]
    both = shrunk(group, won, decided, np.ones(len(won), dtype=bool), *team)
    for together, a, b in zip(both, *alone, strict=True):
        assert together[::-1] == pytest.approx(np.concatenate([a[:-1], b[:-1]]), rel=1e-5, abs=1e-7)


# --- the KPI ----------------------------------------------------------------------------------------------


def closed(*rows: str) -> dict[str, str]:
    return {"opportunities": "\n".join(["opportunity_id,outcome,closed_at,rep_id", *rows])}


@pytest.mark.kpi("worked", KPI)
def test_the_winner_of_a_single_deal_is_drawn_half_of_the_way_to_the_team(tmp_path):
    rows = ("1,won,2026-03-02,ann", "2,lost,2026-03-03,bob", "3,open,,cyd")
    kpis = kpis_of(tmp_path, closed(*rows), TEAM)
    assert values(kpis, KPI, dimension="rep") == pytest.approx(
        {("2026-03-01", "ann"): 2 / 3, ("2026-03-01", "bob"): 1 / 3}
    )
    ann = cell(kpis, KPI, "2026-03-01", dimension="rep", member="ann")
    assert (ann["numerator"], ann["denominator"], ann["n"], ann["unit"]) == (1, 1, 1, "ratio")
    assert (ann["low"], ann["high"]) == pytest.approx((math.sqrt(0.025), math.sqrt(0.975)))
    whole, plain = (cell(kpis, kpi, "2026-03-01") for kpi in (KPI, "win_rate"))
    for column in ("value", "numerator", "denominator", "n", "low", "high", "status"):
        assert whole[column] == plain[column], column


def test_deals_of_nobody_have_a_row_and_the_reps_alone_say_how_alike_they_are(tmp_path):
    counts = {"ann": (9, 10), "bob": (1, 10), "": (15, 30)}
    rows = [
        f"{who}{i},{'won' if i < won else 'lost'},2026-03-02,{who}"
        for who, (won, decided) in counts.items()
        for i in range(decided)
    ]
    kpis = kpis_of(tmp_path, closed(*rows), TEAM)
    value, *_ = one_team(counts["ann"], counts["bob"], nobody=counts[""])
    everybody, *_ = one_team(*counts.values())
    found = values(kpis, KPI, dimension="rep")
    assert [found["2026-03-01", who] for who in ("ann", "bob", "(unassigned)")] == pytest.approx(value)
    assert abs(everybody[0] - value[0]) > 0.01, "it matters"


@pytest.mark.kpi("empty", KPI)
def test_a_month_without_a_decided_deal_has_no_rate_and_no_reps(tmp_path):
    kpis = kpis_of(tmp_path, closed("1,won,2026-01-02,ann", "2,lost,2026-03-03,bob"), TEAM)
    row = cell(kpis, KPI, "2026-02-01")
    assert (row["status"], row["reason"], row["n"]) == ("undefined", "no_denominator", 0)
    assert set(values(kpis, KPI, dimension="rep")) == {("2026-01-01", "ann"), ("2026-03-01", "bob")}
    without = kpis_of(tmp_path / "other", {"orders": "order_id,ordered_at,amount\n1,2026-02-03,5"}, TEAM)
    assert cell(without, KPI, "2026-02-01")["reason"] == "missing_table"


@pytest.mark.kpi("boundary", KPI)
def test_a_deal_of_the_last_day_counts_for_its_month_and_one_of_the_next_day_does_not(tmp_path):
    rows = ("1,won,2026-01-31,ann", "2,lost,2026-02-01,ann", "3,won,2026-02-28,ann", "4,lost,2026-03-01,ann")
    kpis = kpis_of(tmp_path, closed(*rows), TEAM)
    assert values(kpis, KPI, dimension="rep", member="ann") == {
        "2026-01-01": 1,
        "2026-02-01": 0.5,
        "2026-03-01": 0,
    }


@pytest.mark.kpi("law", KPI)
def test_every_rep_with_a_decided_deal_lies_between_its_own_rate_and_the_team_s(tmp_path):
    reps = ("ann", "bob", "cyd", "")
    outcomes = ("won", "lost")
    rows = [
        f"{i},{outcomes[(i * i // 7) % 3 > 0]},2026-0{1 + i % 3}-1{i % 9},{reps[i % 4]}" for i in range(60)
    ]
    tables = closed(*rows)
    tables["opportunity_splits"] = "opportunity_id,rep_id,share\n1,ann,0.25\n1,cyd,0.75\n2,bob,1"
    kpis = kpis_of(tmp_path, tables, TEAM)
    for grain in ("month", "quarter", "year"):
        plain, team = values(kpis, "win_rate", grain, "rep"), values(kpis, "win_rate", grain)
        drawn = values(kpis, KPI, grain, "rep")
        assert drawn.keys() == plain.keys()
        assert "(unassigned)" in {member for _, member in drawn}
        for (start, member), value in drawn.items():
            ends = sorted((plain[start, member], team[start]))
            assert ends[0] <= value <= ends[1], (start, member)
    tables["opportunities"] = closed(*rows[::-1])["opportunities"]
    again = kpis_of(tmp_path, tables, TEAM)
    assert values(again, KPI, dimension="rep") == pytest.approx(values(kpis, KPI, dimension="rep"))
