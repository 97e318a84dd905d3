"""Small charts as SVG: what moves stands apart, gaps stay gaps, text is text."""

import re
from math import nan
from xml.etree import ElementTree

import pytest

from analysis.report.svg import Series, bar, battery, columns, line, pie, scale, sparkline

EVIL = '<script>alert(1)</script>"&\u202e😀' + "x" * 3000


def paths(drawn: str, kind: str) -> list[str]:
    return [p.get("d", "") for p in ElementTree.fromstring(drawn).iter("path") if kind in p.get("class", "")]


def test_a_provisional_value_is_a_hollow_dot_that_the_trend_does_not_reach():
    drawn = sparkline([1, 2, 3], ["ok", "ok", "provisional"], "Revenue")
    (trend,) = paths(drawn, "trend")
    assert trend == "M3 25L50 14"
    assert paths(drawn, "dot") == ["M50 14h0"]
    assert paths(drawn, "open") == ["M97 3h0"]


def test_a_missing_value_leaves_a_gap():
    (trend,) = paths(sparkline([1, 2, nan, 2, 1], ["ok", "ok", "undefined", "ok", "ok"], "x"), "trend")
    assert trend.count("M") == 2


def test_a_sparkline_without_a_value_is_nothing_and_of_one_value_a_dot():
    assert sparkline([nan, nan], ["undefined"] * 2, "x") == ""
    assert paths(sparkline([5], ["ok"], "x"), "dot") == ["M97 14h0"]


def test_a_sparkline_is_small_enough_for_thousands_of_them():
    assert len(sparkline(list(range(13)), ["ok"] * 12 + ["provisional"], "Revenue")) < 500


@pytest.mark.parametrize(
    "drawn",
    [
        sparkline([1, 2], ["ok", "ok"], EVIL),
        line([Series([1, 2], ["ok", "small_n"], EVIL)], scale([1, 2]), EVIL, [EVIL, EVIL]),
        columns(Series([1, -2], ["ok", "provisional"]), scale([1, -2]), EVIL, [EVIL, EVIL]),
        bar(1, "ok", scale([1]), EVIL),
        pie([1, 2], EVIL, [EVIL, EVIL]),
        battery(0.5, EVIL),
    ],
)
def test_every_chart_is_well_formed_says_its_label_and_escapes_it(drawn):
    root = ElementTree.fromstring(drawn)
    assert root.get("aria-label") == EVIL
    assert root.get("role") == "img"
    assert "<script" not in drawn


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [([3, 17], 0, 20), ([-0.02, 0.4], -0.2, 0.4), ([0, 0], 0, 1), ([nan], 0, 1), ([1e9, 3e9], 0, 3e9)],
)
def test_a_scale_begins_at_zero_and_has_round_ends(values, low, high):
    found = scale(values)
    assert (found.low, found.high) == pytest.approx((low, high))
    assert (found.ticks[0], found.ticks[-1]) == pytest.approx((low, high))


@pytest.mark.parametrize(
    ("values", "ticks"),
    [([5], [0, 2, 4, 6]), ([nan], [0, 1]), ([0, 0], [0, 1]), ([0.5], [0, 1]), ([90], [0, 25, 50, 75, 100])],
)
def test_a_scale_of_counts_has_whole_ticks(values, ticks):
    assert list(scale(values, whole=True).ticks) == ticks


def test_the_parts_of_a_pie_fill_the_ring():
    parts = ElementTree.fromstring(pie([30, 60, 10], "x", ["a", "b", "c"])).iter("circle")
    begun = [-float(part.get("stroke-dashoffset", "")) for part in parts]
    assert begun == [0, 30, 90]


@pytest.mark.parametrize(("share", "full"), [(0, 0), (0.5, 2.5), (1.3, 5), (-1, 0), (nan, 0)])
def test_a_battery_is_filled_to_the_share_and_no_further(share, full):
    widths = [float(w) for w in re.findall(r'class="charge".*? width="([\d.]+)"', battery(share, "x"))]
    assert sum(widths) / 18.5 == pytest.approx(full, abs=0.05)


def test_several_lines_differ_in_more_than_colour():
    both = [Series([1, 2], ["ok", "ok"], "a"), Series([2, 1], ["ok", "ok"], "b")]
    looks = re.findall(r'class="trend (c\d)"', line(both, scale([1, 2]), "x", ["p", "q"]))
    assert looks == ["c1", "c2"]


def test_a_lying_bar_of_a_loss_goes_left_of_zero():
    drawn = bar(-5, "ok", scale([-5, 5]), "x")
    assert 'x="0"' in drawn
    assert paths(drawn, "zero") == ["M50 0V12"]
