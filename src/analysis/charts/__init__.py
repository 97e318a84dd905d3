"""Charts of the KPI table: slices in, Axes out, one style; `show` displays them."""

from analysis.charts.flows import cohorts, waterfall
from analysis.charts.members import attainment, grouped, intervals
from analysis.charts.over_time import bars, line, stacked
from analysis.charts.style import Picture, picture, show

__all__ = [
    "Picture",
    "attainment",
    "bars",
    "cohorts",
    "grouped",
    "intervals",
    "line",
    "picture",
    "show",
    "stacked",
    "waterfall",
]
