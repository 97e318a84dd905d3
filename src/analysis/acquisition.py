"""What customers cost to win: costs by channel, motion and category over customers acquired."""

import pandas as pd
from ibis import Table

from analysis.facts import Facts, labelled, month_of, sorted_frame, total
from analysis.rows import missing_rows, ratio_rows, roll_up, sum_rows

COSTS = ("acquisition_cost", "cac", "cac_advertising")


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
    """`acquisition_cost`, `cac` and `cac_advertising`; costs and customers without a channel are
    `(unassigned)`.
    """
    lack = facts.lack("cac")
    if lack:
        return missing_rows(COSTS, lack, facts.calendar)
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
        ],
        ignore_index=True,
    )
