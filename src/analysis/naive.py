"""What a duration looks like to who counts only what is over; shown beside the KPI that counts all."""

import pandas as pd

from analysis.company import Company
from analysis.durations import MICROSECONDS_AN_HOUR, response_facts
from analysis.facts import Facts
from analysis.rows import order_statistics


def answered_hours(company: Company) -> pd.DataFrame:
    """Hours to the first contact of the contacted leads alone, by grain and period.

    hours = median of first_contact_at - created_at, over the leads created in the period that were contacted
    by the report's day. It says nothing of those who still wait, so it looks the better the more of them
    there are.

    Parameters
    ----------
    company : an opened company that knows when its leads were contacted

    Returns
    -------
    One row per grain and period shown: `grain`, `period_start`, `hours` (NaN where none was contacted) and
    `contacted` (leads).
    """
    facts = Facts(company)
    counts = response_facts(facts)
    counts = counts[(counts["cause"] == 1) & counts["duration"].notna()]
    counts = counts.assign(hours=counts["duration"].astype("int64") / MICROSECONDS_AN_HOUR)
    medians = order_statistics(counts, "hours", (), facts.calendar)
    found = facts.calendar.table().merge(medians, on=["grain", "first_month"], validate="1:1")
    found["period_start"] = pd.to_datetime(found["period_start"]).astype("datetime64[s]")
    return found.rename(columns={"median": "hours", "n": "contacted"})[
        ["grain", "period_start", "hours", "contacted"]
    ]
