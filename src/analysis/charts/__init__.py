"""Charts of the KPI table: slices in, Axes out, one style; `show` displays them."""

from analysis.charts.batteries import batteries
from analysis.charts.curves import curve
from analysis.charts.flows import cohorts, effects, waterfall
from analysis.charts.goal_map import goal_map
from analysis.charts.members import attainment, grouped, intervals
from analysis.charts.over_time import bars, line, stacked
from analysis.charts.pairs import pairs
from analysis.charts.risks import came_true, lasting, risk_levels
from analysis.charts.style import Picture, picture, show

__all__ = [
    "Picture",
    "attainment",
    "bars",
    "batteries",
    "came_true",
    "cohorts",
    "curve",
    "effects",
    "goal_map",
    "grouped",
    "intervals",
    "lasting",
    "line",
    "pairs",
    "picture",
    "risk_levels",
    "show",
    "stacked",
    "waterfall",
]
