"""Charts of the KPI table: slices in, Axes out, one style; `show` makes one picture of them."""

from analysis.charts.flows import cohorts, waterfall
from analysis.charts.members import attainment, grouped, intervals
from analysis.charts.over_time import bars, line, stacked
from analysis.charts.style import Picture, show

__all__ = [
    "Picture",
    "attainment",
    "bars",
    "cohorts",
    "grouped",
    "intervals",
    "line",
    "show",
    "stacked",
    "waterfall",
]
