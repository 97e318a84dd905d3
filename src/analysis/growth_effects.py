"""Why revenue changed from one period to the next: customers won and lost, volume and price of the others.

A customer bought in a period that has one of its won deals, or an order of it above 0; a refund lowers the
amount but is no purchase. The months in which a customer bought are one number, bit k for the k-th month, so
every row of the sales knows whether its customer bought in its period, in the one before and in the next.
"""

import operator
from functools import reduce

import ibis
import numpy as np
import pandas as pd
from ibis import Table
from numpy.typing import ArrayLike

from analysis.facts import Facts, total
from analysis.glossary import GRAINS, UNASSIGNED
from analysis.periods import MONTHS_IN, Calendar, month_index
from analysis.rows import MONEY_DIGITS, missing_rows, rows
from analysis.stats import ratio

DRIVERS = ("new", "lost", "volume", "price", UNASSIGNED)
PERIOD = ["grain", "first_month"]
BITS = 62  # months in one number, which stays positive on every engine
STEPS = {"before": -1, "now": 0, "next": 1}  # periods that a row of the sales asks its customer about


def growth_effect(facts: Facts) -> pd.DataFrame:
    """`growth_effect`: the change of revenue against the period of the same grain before, and its DRIVERS.

    n is the purchases of both periods. Where the whole period before lies before the company's first event
    there is nothing to compare with (`no_base`).
    """
    source = facts.revenue_table
    lack = facts.lack("growth_effect", source, f"{source}.amount", f"{source}.customer_id")
    if lack:
        return missing_rows(["growth_effect"], lack, facts.calendar)
    periods = drivers(facts)
    long = periods.melt([*PERIOD, "n"], ["change", *DRIVERS], "member", "value")
    whole = long["member"] == "change"
    long = long.assign(dimension=np.where(whole, "", "driver"), member=long["member"].mask(whole, ""))
    known = long["first_month"] > month_index(facts.calendar.first_event)
    return rows("growth_effect", long, long["value"].where(known), n=long["n"], reason="no_base")


def drivers(facts: Facts) -> pd.DataFrame:
    """The shown periods: PERIOD, the `change` of revenue, what each of DRIVERS made of it, purchases `n`.

    The change is taken from the revenue KPI and the drivers from the customers, so that the one can be held
    against the other.
    """
    grid = facts.calendar.table()[PERIOD]
    moves = at(customer_moves(facts), grid)
    volume, price = volume_and_price(
        moves["units_before"], moves["stayed_before"], moves["units"], moves["stayed"]
    )
    amounts = facts.revenue_by_period.set_index(PERIOD)[["amount"]]
    found = {
        "change": at(amounts, grid)["amount"] - at(amounts, grid, back=1)["amount"],
        "new": moves["came"],
        "lost": moves["went"],
        "volume": volume,
        "price": price,
        UNASSIGNED: moves["other"],
    }
    return pd.concat([grid, pd.DataFrame(found).round(MONEY_DIGITS)], axis=1).assign(n=moves["purchases"])


def volume_and_price(
    units_before: ArrayLike, amount_before: ArrayLike, units: ArrayLike, amount: ArrayLike
) -> tuple[np.ndarray, np.ndarray]:
    """The change of an amount = units x price, split exactly into what the units and the price made of it.

    volume = (units - units_before) (price_before + price) / 2, price = (price - price_before)
    (units_before + units) / 2: the mean over both orders in which the two can change (Shapley 1953). Both are
    0 where there are no units.
    """
    q0, r0, q1, r1 = (np.asarray(x, dtype="float64") for x in (units_before, amount_before, units, amount))
    volume = np.nan_to_num((q1 - q0) * (ratio(r0, q0) + ratio(r1, q1)) / 2)
    return volume, r1 - r0 - volume


def at(sums: pd.DataFrame, grid: pd.DataFrame, back: int = 0) -> pd.DataFrame:
    """The sums (indexed by PERIOD) of each period of the grid, or of the one `back` before; 0 without any."""
    first = grid["first_month"] - back * grid["grain"].map(MONTHS_IN)
    return sums.reindex(pd.MultiIndex.from_arrays([grid["grain"], first])).fillna(0).reset_index(drop=True)


def customer_moves(facts: Facts) -> pd.DataFrame:
    """What customers did in each period against the one before, indexed by PERIOD.

    `came`, `went`, `other`: change of the amount of those who bought in this one only, in the one before
    only, in neither. `stayed`, `units` and `stayed_before`, `units_before`: amounts and purchases of those
    who bought in both. `purchases` of both periods.
    """
    frame = flagged_sales(facts).to_pandas().sort_values(["month", "flags"])
    flags, amount, purchases = (frame[name].to_numpy() for name in ("flags", "amount", "purchases"))
    parts = []
    for place, grain in enumerate(GRAINS):
        first = facts.calendar.of(frame["month"].to_numpy(), grain)
        before, now, after = (flags >> place * len(STEPS) + step & 1 for step in range(len(STEPS)))
        here = {
            "came": amount * (now & ~before),
            "went": amount * (before & ~now),
            "other": amount * (~now & ~before & 1),
            "stayed": amount * (before & now),
            "units": purchases * (before & now),
        }
        as_the_one_before = {
            "came": -amount * (after & ~now),
            "went": -amount * (now & ~after),
            "other": -amount * (~now & ~after & 1),
            "stayed_before": amount * (now & after),
            "units_before": purchases * (now & after),
        }
        for found, start in ((here, first), (as_the_one_before, first + MONTHS_IN[grain])):
            part = {"grain": grain, "first_month": start, "purchases": purchases, **found}
            parts.append(pd.DataFrame(part))
    return pd.concat(parts, ignore_index=True).groupby(PERIOD).sum()


def flagged_sales(facts: Facts) -> Table:
    """Sales by month and `flags`: `amount`, `purchases`.

    `flags` has three bits for each of GRAINS, whether the customer bought in the period before, in that of
    the month and in the next. Rows without a customer are together one that never buys.
    """
    seen = ibis.memtable(month_bits(facts.calendar))
    sales = facts.sales()
    sales = sales.inner_join(seen, sales.month == seen["at"])
    words = [name for name in seen.columns if name.startswith("own_")]
    bought = sales.filter(sales.bought, sales.customer_id.notnull())
    months = bought.group_by(buyer="customer_id").agg(**{w: bought[w].bit_or() for w in words})
    months = months.rename({w.replace("own", "bought"): w for w in words})
    each = sales.left_join(months, sales.customer_id == months.buyer)
    flags = []
    for place, period in enumerate(f"{grain}_{step}" for grain in GRAINS for step in STEPS):
        hits = [each[f"bought_{word}"] & each[f"{period}_{word}"] for word in range(len(words))]
        hit = reduce(operator.or_, hits) > 0
        flags.append(hit.ifelse(1 << place, 0))
    return each.group_by("month", flags=reduce(operator.add, flags)).agg(
        amount=total(each.amount), purchases=each.bought.sum()
    )


def month_bits(calendar: Calendar) -> pd.DataFrame:
    """The months computed, `at`, and as bits, BITS a column: the month itself (`own_0`, …), and the months of
    its period and of those beside it (`quarter_before_0`, …) for each of GRAINS and STEPS.
    """
    months = np.arange(calendar.earliest_month, calendar.last_month + 1)
    sets = {"own": np.equal.outer(months, months)}
    for grain in GRAINS:
        first = calendar.of(months, grain)
        for step, away in STEPS.items():
            sets[f"{grain}_{step}"] = np.equal.outer(first + away * MONTHS_IN[grain], first)
    bits = pd.DataFrame({"at": months})
    for name, held in sets.items():
        for word, start in enumerate(range(0, len(months), BITS)):
            part = held[:, start : start + BITS]
            bits[f"{name}_{word}"] = part @ (1 << np.arange(part.shape[1], dtype="int64"))
    return bits.astype("int64")
