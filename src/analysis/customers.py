"""Customers: who came, stayed and left, what they pay, what they are worth and what they cost."""

import numpy as np
import pandas as pd

from analysis.acquisition import acquisition
from analysis.activity import Activity, activity, cohort_activity, rolled_movements
from analysis.buying import Buying
from analysis.facts import Facts
from analysis.historic_value import clv_historic
from analysis.periods import Period
from analysis.rows import KEYS, missing_rows, pick, ratio_rows, roll_up, rows, sum_rows
from analysis.stats import ratio, wilson

MOVES = ("opening", "new", "reactivated", "churned", "closing", "flash")
MRR_MOVES = ("opening", "new", "reactivated", "expansion", "contraction", "churned", "closing")
MRR_RATIOS = ("nrr", "grr", "revenue_churn_rate", "quick_ratio")
OF_ACTIVITY = (
    *(f"customers_{move}" for move in MOVES),
    "churn_rate",
    "retention_rate",
    "cohort_retention",
    "arpa",
    "clv",
)
CHURN_MONTHS = 6


def table(facts: Facts) -> pd.DataFrame:
    """All rows of the family."""
    basis = facts.company.params.churn.basis
    snapshots = {b: activity(facts, b) for b in {basis, "subscriptions"} if facts.company.has(b)}
    moved = {b: rolled_movements(facts, s) for b, s in snapshots.items()}
    cost = acquisition(facts)
    parts = [mrr(facts, moved.get("subscriptions")), clv_historic(facts), cost]
    if basis in moved:
        value = arpa(facts, basis, moved[basis])
        lifetime = clv(facts, moved[basis], value)
        parts += [counts(moved[basis]), cohort_retention(facts, basis, snapshots[basis]), value, lifetime]
        parts.append(against_cost(facts, value, lifetime, cost))
    else:
        parts.append(
            missing_rows([*OF_ACTIVITY, "ltv_cac", "cac_payback_months"], "missing_table", facts.calendar)
        )
    return pd.concat(parts, ignore_index=True)


def counts(moved: pd.DataFrame) -> pd.DataFrame:
    """`customers_*`, `churn_rate`, `retention_rate`: n is the customers seen at either end, or at opening
    for rates.
    """
    seen = moved["opening"] + moved["new"] + moved["reactivated"] + moved["flash"]
    moved = moved.assign(seen=seen, retained=moved["opening"] - moved["churned"])
    return pd.concat(
        [
            *(sum_rows(f"customers_{move}", moved, move, n="seen") for move in MOVES),
            ratio_rows("churn_rate", moved, "churned", "opening", interval=True),
            ratio_rows("retention_rate", moved, "retained", "opening", interval=True),
        ],
        ignore_index=True,
    )


def mrr(facts: Facts, moved: pd.DataFrame | None) -> pd.DataFrame:
    """`mrr_*`, `nrr`, `grr`, `revenue_churn_rate`, `quick_ratio`: movements of monthly recurring revenue."""
    if moved is None:
        return missing_rows(
            [*(f"mrr_{move}" for move in MRR_MOVES), *MRR_RATIOS], "missing_table", facts.calendar
        )
    seen = moved["opening"] + moved["new"] + moved["reactivated"]
    gained = moved["mrr_new"] + moved["mrr_reactivated"] + moved["mrr_expansion"]
    lost = moved["mrr_contraction"] + moved["mrr_churned"]
    moved = moved.assign(
        seen=seen, gained=gained, lost=lost, not_kept=moved["mrr_opening"] - moved["mrr_kept_or_less"]
    )
    return pd.concat(
        [
            *(sum_rows(f"mrr_{move}", moved, f"mrr_{move}", n="seen") for move in MRR_MOVES),
            ratio_rows("nrr", moved, "mrr_kept", "mrr_opening", n="opening"),
            ratio_rows("grr", moved, "mrr_kept_or_less", "mrr_opening", n="opening"),
            ratio_rows("revenue_churn_rate", moved, "not_kept", "mrr_opening", n="opening"),
            ratio_rows("quick_ratio", moved, "gained", "lost", n="seen"),
        ],
        ignore_index=True,
    )


def cohort_retention(facts: Facts, basis: str, snapshots: Activity | Buying) -> pd.DataFrame:
    """`cohort_retention` of every shown month's new customers at every age whose month is over."""
    lack = facts.lack("cohort_retention", "customers")
    if lack:
        return missing_rows(["cohort_retention"], lack, facts.calendar)
    calendar = facts.calendar
    sizes = facts.acquired.groupby("month")["acquired"].sum()
    seen = cohort_activity(facts, basis, snapshots).set_index(["month", "at"])["active"]
    over = [m for m in calendar.starts("month") if Period("month", m).is_complete(facts.company.as_of)]
    cells = pd.MultiIndex.from_tuples(
        [(cohort, at) for cohort in over if sizes.get(cohort, 0) > 0 for at in over if at >= cohort],
        names=["month", "at"],
    )
    grid = cells.to_frame(index=False)
    active = seen.reindex(cells).fillna(0).to_numpy(dtype="float64")
    size = grid["month"].map(sizes).to_numpy(dtype="float64")
    low, high = wilson(active, size)
    keys = pd.DataFrame(
        {
            "grain": "month",
            "first_month": grid["month"],
            "dimension": "age_months",
            "member": (grid["at"] - grid["month"]).astype(str),
        }
    )
    return rows(
        "cohort_retention",
        keys,
        ratio(active, size),
        numerator=active,
        denominator=size,
        n=size,
        low=low,
        high=high,
    )


def arpa(facts: Facts, basis: str, moved: pd.DataFrame) -> pd.DataFrame:
    """`arpa`: closing MRR over closing customers, or with orders the revenue of the period over them."""
    moved = moved[moved["dimension"].isin(["", "segment"])]
    if basis == "subscriptions":
        return ratio_rows("arpa", moved, "mrr_closing", "closing")
    lack = facts.lack("revenue", facts.revenue_table, f"{facts.revenue_table}.amount")
    if lack:
        return missing_rows(["arpa"], lack, facts.calendar)
    revenue = roll_up(facts.revenue, ["amount"], ("segment",), facts.calendar)
    both = revenue.merge(moved[[*KEYS, "closing"]], how="outer", on=KEYS).fillna({"amount": 0, "closing": 0})
    return ratio_rows("arpa", both, "amount", "closing")


def margin_of(facts: Facts, keys: pd.DataFrame) -> np.ndarray:
    """The gross margin that belongs to `arpa` in the period of each row.

    MRR and deals carry no cost, so the margin stated in the params is used for them; revenue from orders has
    that of
    its own rows. Without a stated margin the orders' is the best there is.
    """
    params = facts.company.params
    from_orders = params.churn.basis == "orders" and params.revenue_from == "orders"
    if not from_orders and params.gross_margin is not None:
        return np.full(len(keys), params.gross_margin)
    margins = facts.gross_margin.set_index(["grain", "first_month"])["margin"]
    wanted = pd.MultiIndex.from_frame(keys[["grain", "first_month"]])
    return margins.reindex(wanted).to_numpy(dtype="float64")


def clv(facts: Facts, moved: pd.DataFrame, arpa_rows: pd.DataFrame) -> pd.DataFrame:
    """`clv` by month: revenue per account x gross margin / mean churn of the last six complete months."""
    monthly = arpa_rows[arpa_rows["grain"] == "month"].reset_index(drop=True)
    churn = recent_churn(facts, moved, monthly)
    margin = margin_of(facts, monthly)
    worth = monthly["value"] * margin
    lack = facts.lack("clv", "orders.cost") or "no_denominator"
    no_churn = (churn == 0) & worth.notna()
    reason = np.select([no_churn, np.isnan(margin)], ["no_churn", lack], "no_denominator")
    return rows(
        "clv", monthly, ratio(worth, churn), numerator=worth, denominator=churn, n=monthly["n"], reason=reason
    )


def recent_churn(facts: Facts, moved: pd.DataFrame, keys: pd.DataFrame) -> np.ndarray:
    """Mean of the defined monthly churn rates over the last six complete months up to each row's month."""
    monthly = moved[moved["grain"] == "month"]
    rates = monthly.assign(churn=ratio(monthly["churned"], monthly["opening"]))
    rates = rates.pivot(index="first_month", columns=["dimension", "member"], values="churn")
    rates = rates[[Period("month", m).is_complete(facts.company.as_of) for m in rates.index]]
    means = rates.rolling(CHURN_MONTHS, min_periods=1).mean()
    means = means.reindex(range(facts.calendar.earliest_month, facts.calendar.last_month + 1), method="ffill")
    wanted = zip(keys["first_month"], keys["dimension"], keys["member"], strict=True)
    known = {(dim, member) for dim, member in means.columns}
    return np.array(
        [means.at[m, (d, k)] if (d, k) in known else np.nan for m, d, k in wanted], dtype="float64"
    )


def against_cost(
    facts: Facts, value: pd.DataFrame, lifetime: pd.DataFrame, cost: pd.DataFrame
) -> pd.DataFrame:
    """`ltv_cac` and `cac_payback_months` by month: worth of a customer against the cost of winning one."""
    lack = facts.lack("cac")
    if lack:
        return missing_rows(["ltv_cac", "cac_payback_months"], lack, facts.calendar)
    months = cost[(cost["kpi"] == "cac") & (cost["grain"] == "month") & (cost["dimension"] == "")]
    months = months.reset_index(drop=True)
    worth, price = pick(lifetime, "value", months), months["value"]
    monthly = pick(value, "value", months) * margin_of(facts, months)
    why = (
        pd.Series(pick_text(lifetime, "reason", months))
        .replace("", "no_denominator")
        .fillna("no_denominator")
    )
    return pd.concat(
        [
            rows(
                "ltv_cac",
                months,
                ratio(worth, price),
                numerator=worth,
                denominator=price,
                n=months["n"],
                reason=why,
            ),
            rows(
                "cac_payback_months",
                months,
                ratio(price, monthly),
                numerator=price,
                denominator=monthly,
                n=months["n"],
            ),
        ],
        ignore_index=True,
    )


def pick_text(rows_of: pd.DataFrame, column: str, keys: pd.DataFrame) -> pd.Series:
    """A text column of another rows frame, in the row order of `keys`."""
    return keys[KEYS].merge(rows_of[[*KEYS, column]], how="left", on=KEYS, validate="m:1")[column]
