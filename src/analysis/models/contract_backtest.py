"""How a model of contracts would have done: fitted on what an earlier day knew, held against what came.

Never a random split: the model knows the subscriptions as they stood at the end of the cut-off, and forecasts
the customers under contract then; they are watched from the month of tenure they were in until the last day.
Where one holdout saw few ends, the same is done from earlier days, and all of them decide what is used.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import pandas as pd

from analysis.models.design import months_of
from analysis.models.hazard import DiscreteTimeHazard
from analysis.models.life_table import LifeTable
from analysis.models.person_periods import alive_now, person_periods
from analysis.models.spells import contract_spells, day_of, days_of, months_at_risk
from analysis.models.survival_scores import calibration_table, survival_report
from analysis.stats import ratio

MODEL = "discrete-time hazard"
HORIZONS = (12, 24, 48)
KEYS = ["customer_id", "spell"]
MOST_EARLIER = 3  # days before the main one, half a horizon apart
MANY_ENDS = 1_000  # a holdout of so many needs no others beside it


@dataclass(frozen=True)
class ContractBacktest:
    """Result of a backtest of contracts.

    Attributes
    ----------
    scores : a row per model (the hazard model first, then the baselines it must beat), columns `ibs`,
        `uno_c`, `ece_<months>` of `survival_report`
    calibrations : by the names of `scores`, predicted and observed churn by group, at each horizon
        (`horizon`, and the columns of `calibration_table`)
    customers : how many were forecast and watched for a month or longer
    ends : how many of them left
    months : the grid's last month
    model : the fitted model
    earlier : the same from earlier days, the latest first
    """

    scores: pd.DataFrame
    calibrations: dict[str, pd.DataFrame]
    customers: int
    ends: int
    months: int
    model: DiscreteTimeHazard
    earlier: tuple["ContractBacktest", ...] = ()

    @property
    def days(self) -> int:
        """From how many days it forecast."""
        return 1 + len(self.earlier)

    @property
    def pooled(self) -> pd.DataFrame:
        """`scores`, but `ibs` and `uno_c` are means over all days: weighted by customers, and by ends."""
        every = (self, *self.earlier)
        means = {
            "ibs": mean_of([(one.scores["ibs"], one.customers) for one in every]),
            "uno_c": mean_of([(one.scores["uno_c"], one.ends) for one in every]),
        }
        return self.scores.assign(**means)

    @property
    def calibration(self) -> pd.DataFrame:
        """That of the hazard model."""
        return self.calibrations[MODEL]


def mean_of(parts: list[tuple[pd.Series, int]]) -> pd.Series:
    """Weighted mean of several numbers by model; those of one part that are missing do not count."""
    numbers = pd.DataFrame({place: part for place, (part, _) in enumerate(parts)})
    weights = np.array([weight for _, weight in parts]) * numbers.notna()
    total = (numbers.fillna(0.0) * weights).sum(axis=1)
    return pd.Series(ratio(total.to_numpy(), weights.sum(axis=1).to_numpy()), index=numbers.index)


def as_known(subscriptions: pd.DataFrame, day: date) -> pd.DataFrame:
    """The subscriptions as they stood at the end of `day`: later ones are not there, later ends not known."""
    there = subscriptions[days_of(subscriptions["started_on"]) <= day_of(day)]
    ended = days_of(there["ended_on"]) <= day_of(day)
    return there.assign(ended_on=pd.to_datetime(there["ended_on"]).where(ended))


def contract_backtest(
    subscriptions: pd.DataFrame,
    cut_off: date,
    as_of: date,
    window_start: date | None = None,
    customers: pd.DataFrame | None = None,
    usage: pd.DataFrame | None = None,
    model: DiscreteTimeHazard | None = None,
) -> ContractBacktest | None:
    """Fit on what was known at `cut_off`, score on what happened until `as_of`; None where nothing did.

    Parameters as of `person_periods`; `customers` must hold what was known at the cut-off, `usage` may hold
    later days. `model` is an unfitted model (default: `DiscreteTimeHazard()`).
    """
    then = as_known(subscriptions, cut_off)
    spells = contract_spells(then, cut_off)
    table = person_periods(spells, then, cut_off, window_start, customers, usage)
    alive = alive_now(spells, then, cut_off, customers, usage)
    alive = followed(alive, contract_spells(subscriptions, as_of), as_of)
    if not len(alive) or not len(table):
        return None
    time = (alive["last_month"] - alive["month"] + 1).to_numpy(dtype="int64")
    left = alive["churned"].to_numpy(dtype=bool)
    grid = list(range(1, max(int(time.max()) - 1, 1) + 1))
    rows = alive.drop(columns=["last_month", "churned"])
    fitted = (model or DiscreteTimeHazard()).fit(
        table.drop(columns="churned"), table["churned"], table["weight"]
    )
    curves = {MODEL: fitted.predict_survival(rows, grid).to_numpy()} | baselines(table, rows, grid)
    known = (time, left)
    scores = {name: survival_report(s, time, left, grid, known, HORIZONS) for name, s in curves.items()}
    shown = [h for h in HORIZONS if h in grid] or grid[-1:]
    tables = {
        name: pd.concat(
            [calibration_table(1 - s[:, h - 1], time, left, h).assign(horizon=h) for h in shown],
            ignore_index=True,
        )
        for name, s in curves.items()
    }
    return ContractBacktest(pd.DataFrame(scores).T, tables, len(time), int(left.sum()), grid[-1], fitted)


def rolling_backtest(
    subscriptions: pd.DataFrame, horizon: timedelta, as_of: date, customers: pd.DataFrame | None = None
) -> ContractBacktest | None:
    """`contract_backtest` from one horizon before the day, and from up to three days before that.

    They lie half a horizon apart, and each is held against one horizon. None is added where the holdout has
    a thousand ends, nor a day by which too few had left for a regression.
    """
    last = contract_backtest(subscriptions, as_of - horizon, as_of, None, customers)
    if last is None or last.ends >= MANY_ENDS or last.model.kind_ == "kaplan_meier":
        return last
    earlier: list[ContractBacktest] = []
    for back in range(1, MOST_EARLIER + 1):
        end = as_of - back * horizon / 2
        found = contract_backtest(subscriptions, end - horizon, end, None, customers)
        if found is None or found.model.kind_ == "kaplan_meier":
            break
        earlier.append(found)
    return replace(last, earlier=tuple(earlier))


def followed(alive: pd.DataFrame, spells: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """The customers alive with the `last_month` in which they were watched, and whether they left in it."""
    risk = months_at_risk(spells, as_of)
    ends = spells[KEYS].iloc[risk["row"]].reset_index(drop=True)
    ends = ends.assign(last_month=risk["last_month"], churned=risk["churned"])
    both = alive.merge(ends, how="left", on=KEYS, validate="1:1")
    return both[both["last_month"] >= both["month"]].reset_index(drop=True)


def baselines(table: pd.DataFrame, rows: pd.DataFrame, grid: list[int]) -> dict[str, np.ndarray]:
    """What the model must beat: Kaplan-Meier by tenure, the same by plan, a smooth hazard of tenure alone.

    All are conditional on the months already lived; a plan that was not there before gets the curve of all.
    """
    month, months = months_of(rows), grid[-1]
    overall = life_table(table).ahead(month, months)
    hazards = {"Kaplan-Meier": overall}
    if "plan" in rows:
        by_plan, plans = overall.copy(), rows["plan"].astype(str).to_numpy()
        for plan, part in table.groupby(table["plan"].astype(str)):
            mine = plans == plan
            by_plan[mine] = life_table(part).ahead(month[mine], months)
        hazards["Kaplan-Meier by plan"] = by_plan
    tenure = DiscreteTimeHazard(term_months=0, challenger=False)
    tenure.fit(table[["customer_id", "month"]], table["churned"], table["weight"])
    hazards["tenure only"] = tenure.predict_hazards(rows[["month"]], months)
    return {name: np.cumprod(1 - h, axis=1) for name, h in hazards.items()}


def life_table(table: pd.DataFrame) -> LifeTable:
    """The life table of person-periods."""
    y, weight = (table[name].to_numpy(dtype="float64") for name in ("churned", "weight"))
    return LifeTable().fit(months_of(table), y, weight)
