"""What customers cost to win: costs by channel, motion and category over customers acquired."""

import pandas as pd
from ibis import Table

from analysis.facts import Facts, labelled, month_of, sorted_frame, total
from analysis.pipeline import links
from analysis.rows import missing_rows, ratio_rows, roll_up, rows, sum_rows
from analysis.stats import ratio

COSTS = ("acquisition_cost", "cac", "cac_advertising")
LAG_MONTHS = 12  # of acquisitions, that tell how long before it the money is spent


def cost_facts(facts: Facts) -> pd.DataFrame:
    """Costs by month, channel, motion and category: `cost`, and the part of it spent on advertising."""
    costs: Table = facts.company.table("costs")
    frame = sorted_frame(
        costs.group_by(
            month=month_of(costs.month), channel=labelled(costs.channel), category=costs.category
        ).agg(cost=total(costs.amount))
    )
    advertising = frame["cost"].where(frame["category"] == "advertising", 0.0)
    return frame.assign(motion=facts.motion(frame["channel"]), advertising=advertising)


def acquisition(facts: Facts) -> pd.DataFrame:
    """`acquisition_cost`, `cac`, `cac_advertising` and `cac_lagged`; costs and customers without a channel
    are `(unassigned)`.
    """
    lack = facts.lack("cac")
    if lack:
        return missing_rows([*COSTS, "cac_lagged"], lack, facts.calendar)
    costs = cost_facts(facts)
    acquired = facts.acquired.groupby(["month", "channel"], as_index=False)["acquired"].sum()
    acquired = acquired.assign(motion=facts.motion(acquired["channel"]))
    both = pd.concat([costs, acquired], ignore_index=True).fillna(
        {"cost": 0, "advertising": 0, "acquired": 0}
    )
    rolled = roll_up(both, ["cost", "advertising", "acquired"], ("channel", "motion"), facts.calendar)
    spent = roll_up(costs, ["cost"], ("channel", "category"), facts.calendar)
    return pd.concat(
        [
            sum_rows("acquisition_cost", spent, "cost"),
            ratio_rows("cac", rolled, "cost", "acquired"),
            ratio_rows("cac_advertising", rolled, "advertising", "acquired"),
            cac_lagged(facts, costs, acquired),
        ],
        ignore_index=True,
    )


def cac_lagged(facts: Facts, costs: pd.DataFrame, acquired: pd.DataFrame) -> pd.DataFrame:
    """`cac_lagged`: costs of the months in which the month's customers were leads / customers acquired.

    The cost of l months before counts by the share of the customers acquired in the LAG_MONTHS months up to
    this one who had been leads for l months; those shares are the company's in every channel.
    """
    lack = facts.lack("cac_lagged")
    if lack:
        return missing_rows(["cac_lagged"], lack, facts.calendar)
    shares = lag_shares(facts)
    spent = costs.groupby(["month", "channel"], as_index=False)["cost"].sum()
    due = shares.assign(month=shares["first_month"] - shares["lag"]).merge(spent, on="month")
    due = due.assign(cost=due["cost"] * due["customers"] / due["of"]).drop(columns="month")
    due = due.rename(columns={"first_month": "month"})[["month", "channel", "cost"]]
    both = pd.concat([due, acquired], ignore_index=True).fillna({"cost": 0, "acquired": 0})
    rolled = roll_up(both, ["cost", "acquired"], ("channel",), facts.calendar, ("month",))
    told = rolled["first_month"].isin(shares["first_month"])
    cost = rolled["cost"].where(told)
    return rows(
        "cac_lagged",
        rolled,
        ratio(cost, rolled["acquired"]),
        numerator=cost,
        denominator=rolled["acquired"],
        n=rolled["acquired"],
        reason=told.map({True: "no_denominator", False: "none_eligible"}),
    )


def lag_shares(facts: Facts) -> pd.DataFrame:
    """Of the customers acquired in the LAG_MONTHS up to each month, how many had been leads for how long.

    Columns first_month, lag (calendar months), customers, and `of`, all of that month; a month without any
    has no row.
    """
    found = lag_facts(facts)
    each = found.merge(pd.DataFrame({"later": range(LAG_MONTHS)}), how="cross")
    each = each.assign(first_month=each["month"] + each["later"])
    each = each.groupby(["first_month", "lag"], as_index=False)["customers"].sum()
    each = each.assign(of=each.groupby("first_month")["customers"].transform("sum"))
    return each[each["first_month"].isin(facts.calendar.starts("month"))]


def lag_facts(facts: Facts) -> pd.DataFrame:
    """Customers by month acquired and whole calendar months since their first lead: `lag`, `customers`.

    A lead names its customer itself, or the opportunity that it became does. A customer without a lead, or
    whose first lead came later than the month it was acquired in, is left out.
    """
    leads, customers = facts.company.table("leads"), facts.company.table("customers")
    known = leads.select("customer_id", created=month_of(leads.created_at))
    if facts.company.has("opportunities"):
        deals = facts.company.table("opportunities").select("opportunity_id", "customer_id")
        became = links(facts).inner_join(deals, "opportunity_id").select("lead_id", "customer_id")
        born = leads.select("lead_id", created=month_of(leads.created_at))
        known = known.union(born.inner_join(became, "lead_id").select("customer_id", "created"))
    first = known.group_by("customer_id").agg(created=known.created.min())
    won = customers.filter(customers.acquired_on.notnull())
    won = won.select("customer_id", month=month_of(won.acquired_on)).inner_join(first, "customer_id")
    won = won.filter(won.created <= won.month)
    counts = won.group_by("month", lag=won.month - won.created).agg(customers=won.count())
    return counts.to_pandas().sort_values(["month", "lag"], ignore_index=True)
