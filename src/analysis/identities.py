"""What must add up, checked on the company's own numbers in every run and shown in the report."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from analysis.company import Company
from analysis.glossary import KPIS
from analysis.texts import mark, say

FLOWS = (
    "revenue", "units", "new_accounts", "won_deals", "lost_deals", "emails_delivered", "new_leads",
    "new_opportunities", "pipeline_created", "acquisition_cost", "tasks_completed", "points",
)  # fmt: skip
STOCKS = (
    *(kpi for kpi in KPIS if kpi.startswith(("customers_", "mrr_"))),
    "open_pipeline",
    "unworked_leads",
    "tasks_overdue",
    "notifications_uncleared",
)
CUSTOMER_MOVES = {"opening": 1, "new": 1, "reactivated": 1, "churned": -1, "closing": -1}
MRR_MOVES = {**CUSTOMER_MOVES, "expansion": 1, "contraction": -1}
MEMBERS = {
    "rep": mark("members of rep = company"),
    "team": mark("members of team = company"),
    "channel": mark("members of channel = company"),
    "segment": mark("members of segment = company"),
    "campaign": mark("members of campaign = company"),
    "variant": mark("members of variant = company"),
    "motion": mark("members of motion = company"),
    "stage": mark("members of stage = company"),
    "category": mark("members of category = company"),
}
SHORTER = {
    ("month", "quarter"): mark("months = quarter"),
    ("month", "year"): mark("months = year"),
    ("day", "week"): mark("days = week"),
}
TOLERANCE = 0.005  # half a cent, or half a percent of one deal
COLUMNS = ["identity", "checked", "broken", "worst", "status"]
PERIOD = ["grain", "period_start"]


def identities(company: Company, kpis: pd.DataFrame) -> pd.DataFrame:
    """Every identity that the KPIs of the frame can be held against.

    Parameters
    ----------
    company : the opened company
    kpis : rows of its KPI table, all families or some

    Returns
    -------
    One row per identity: `checked` sums, how many are `broken`, the `worst` absolute difference (in the unit
    of the sum) and `status` (holds or broken).
    """
    gaps = [
        *members_add_up(kpis),
        *months_add_up(kpis),
        (
            say("customers: opening + new + won back - lost = closing"),
            balance(kpis, "customers_", CUSTOMER_MOVES),
        ),
        (
            say("MRR: opening + new + won back + expansion - contraction - churned = closing"),
            balance(kpis, "mrr_", MRR_MOVES),
        ),
        (say("retained + lost = customers at opening"), kept_and_lost(kpis)),
        (say("growth effects = change of revenue"), effects_add_up(kpis)),
        (say("cost per customer: cost of the channels = cost"), channel_costs(kpis)),
        (say("credits of a deal = 1"), split_shares(company, kpis)),
        (say("revenue of the months = revenue counted from the rows"), revenue_recounted(company, kpis)),
    ]
    found = [
        (name, len(gap), int((gap > TOLERANCE).sum()), float(np.round(gap.max(), 6)))
        for name, gap in gaps
        if len(gap)
    ]
    frame = pd.DataFrame(found, columns=COLUMNS[:-1])
    return frame.assign(status=np.where(frame["broken"] > 0, "broken", "holds"))


def members_add_up(kpis: pd.DataFrame) -> Iterator[tuple[str, np.ndarray]]:
    """For each breakdown: its members, `(unassigned)` among them, sum to the company's total."""
    sums = kpis[kpis["kpi"].isin([*FLOWS, *STOCKS])]
    whole = sums[sums["dimension"] == ""].set_index(["kpi", *PERIOD])["value"].dropna()
    for dimension in dict.fromkeys(dim for kpi in (*FLOWS, *STOCKS) for dim in KPIS[kpi].dims):
        parts = sums[sums["dimension"] == dimension].groupby(["kpi", *PERIOD])["value"].sum()
        totals = whole[[dimension in KPIS[kpi].dims for kpi in whole.index.get_level_values("kpi")]]
        yield (
            say(MEMBERS[dimension]),
            (parts.reindex(totals.index).fillna(0) - totals).abs().to_numpy(),
        )


def months_add_up(kpis: pd.DataFrame) -> Iterator[tuple[str, np.ndarray]]:
    """Months sum to every quarter and fiscal year whose months are all shown, days to such weeks."""
    flows = kpis[kpis["kpi"].isin(FLOWS) & (kpis["dimension"] == "")].dropna(subset=["value"])
    for short, grain in SHORTER:
        shorter = flows[flows["grain"] == short]
        longer = flows[(flows["grain"] == grain) & (flows["period_start"] >= shorter["period_start"].min())]
        pairs = longer.merge(shorter, on="kpi", suffixes=("", "_short"))
        inside = (pairs["period_start_short"] >= pairs["period_start"]) & (
            pairs["period_end_short"] <= pairs["period_end"]
        )
        summed = (
            pairs[inside]
            .groupby(["kpi", "period_start"])
            .agg(total=("value", "first"), parts=("value_short", "sum"))
        )
        yield say(SHORTER[short, grain]), (summed["parts"] - summed["total"]).abs().to_numpy()


def wide(kpis: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Defined values side by side, a column per KPI, for every period and member that has all of them."""
    some = kpis[kpis["kpi"].isin(names)].dropna(subset=["value"])
    table = some.pivot(index=[*PERIOD, "dimension", "member"], columns="kpi", values="value")
    return table.dropna() if set(names) <= set(table.columns) else table.iloc[:0].reindex(columns=names)


def balance(kpis: pd.DataFrame, prefix: str, moves: dict[str, int]) -> np.ndarray:
    """Absolute remainder of opening + movements - closing, company and segments."""
    table = wide(kpis, [prefix + move for move in moves])
    return np.abs(sum(table[prefix + move].to_numpy(dtype="float64") * sign for move, sign in moves.items()))


def kept_and_lost(kpis: pd.DataFrame) -> np.ndarray:
    """Absolute remainder of retained + churned - opening."""
    rates = kpis[kpis["kpi"].isin(["churn_rate", "retention_rate"])].dropna(subset=["value"])
    counts = rates.groupby([*PERIOD, "dimension", "member"]).agg(
        parts=("numerator", "sum"), whole=("denominator", "first")
    )
    return (counts["parts"] - counts["whole"]).abs().to_numpy()


def effects_add_up(kpis: pd.DataFrame) -> np.ndarray:
    """Absolute difference of the growth effects of each period to its change of revenue.

    The change is held against the revenue of both periods where both are there, and against what the sales
    growth of the month (the year) divides.
    """
    effects = kpis[(kpis["kpi"] == "growth_effect")].dropna(subset=["value"])
    parts = effects[effects["dimension"] == "driver"].groupby(PERIOD)["value"].sum()
    change = effects[effects["dimension"] == ""].set_index(PERIOD)["value"]
    whole = kpis[kpis["dimension"] == ""]
    revenue = whole[whole["kpi"] == "revenue"]
    before = revenue.set_index(["grain", "period_end"])["value"].rename_axis(PERIOD)
    changes = [change, revenue.set_index(PERIOD)["value"] - before]
    for kpi, grain in (("sales_growth_mom", "month"), ("sales_growth_yoy", "year")):
        grown = whole[(whole["kpi"] == kpi) & (whole["grain"] == grain)]
        changes.append(grown.set_index(PERIOD)["numerator"])
    gaps = [(parts - known.reindex(parts.index)).abs().dropna() for known in changes]
    return pd.concat(gaps).to_numpy()


def channel_costs(kpis: pd.DataFrame) -> np.ndarray:
    """Absolute remainder of the costs that `cac`, `cac_advertising` and `cac_lagged` divide, by channel."""
    costs = kpis[kpis["kpi"].isin(["cac", "cac_advertising", "cac_lagged"])].dropna(subset=["numerator"])
    whole = costs[costs["dimension"] == ""].set_index(["kpi", *PERIOD])["numerator"]
    parts = costs[costs["dimension"] == "channel"].groupby(["kpi", *PERIOD])["numerator"].sum()
    return (parts.reindex(whole.index).fillna(0) - whole).abs().to_numpy()


def split_shares(company: Company, kpis: pd.DataFrame) -> np.ndarray:
    """Absolute remainder of the shares of each split deal to 1."""
    if not company.has("opportunity_splits") or "won_deals" not in set(kpis["kpi"]):
        return np.array([])
    splits = company.table("opportunity_splits")
    shares = splits.group_by("opportunity_id").agg(gap=(splits.share.sum().cast("float64") - 1).abs())
    return shares.gap.to_pandas().to_numpy()


def revenue_recounted(company: Company, kpis: pd.DataFrame) -> np.ndarray:
    """Absolute difference of the months' revenue to one plain sum over the accepted rows of the same days."""
    months = kpis[(kpis["kpi"] == "revenue") & (kpis["dimension"] == "") & (kpis["grain"] == "month")]
    if months["value"].isna().any() or months.empty:
        return np.array([])
    rows = company.table(company.params.revenue_from)
    if company.params.revenue_from == "opportunities":
        rows = rows.filter(rows.outcome == "won").mutate(day=rows.closed_at.date())
    else:
        rows = rows.mutate(day=rows.ordered_at.date())
    rows = rows.filter(rows.day >= months["period_start"].min().date(), rows.day <= company.as_of)
    counted = rows.amount.sum().cast("float64").to_pandas()
    return np.array([abs(float(np.nan_to_num(counted)) - months["value"].sum())])
