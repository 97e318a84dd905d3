"""Facts that several KPI families stand on: additive measures by month and breakdown, one pass per table.

Each fact is one query; money stays exact until it is summed. Members that a row does not name are
`(unassigned)`.
"""

from dataclasses import dataclass
from functools import cached_property

import ibis
import numpy as np
import pandas as pd
from ibis import Table
from ibis.expr.types import Value

from analysis.company import Company
from analysis.glossary import KPIS, UNASSIGNED
from analysis.periods import Calendar
from analysis.rows import roll_up
from analysis.stats import ratio

MICROSECONDS_A_DAY = 86_400_000_000


def month_of(instant: Value) -> Value:
    """The month of a date or instant column as one integer (`year * 12 + month - 1`)."""
    return (instant.year() * 12 + instant.month() - 1).cast("int64")


def elapsed(table: Table, start: str, end: str) -> Value:
    """Whole microseconds from column `start` to `end`: between instants, else whole days between calendar
    days.

    A plain date (its `_utc` column is null) has no time of day, so what it begins or ends is measured in
    days.
    """
    instants = table[f"{start}_utc"].notnull() & table[f"{end}_utc"].notnull()
    exact = table[f"{end}_utc"].delta(table[f"{start}_utc"], unit="microsecond")
    days = table[end].date().delta(table[start].date(), unit="day")
    return instants.ifelse(exact.cast("int64"), days.cast("int64") * MICROSECONDS_A_DAY)


def labelled(column: Value) -> Value:
    """A breakdown column with `(unassigned)` for null."""
    return column.fill_null(UNASSIGNED)


def total(column: Value, where: Value | None = None) -> Value:
    """Exact sum of a decimal column, handed over as a float; 0 where there is nothing."""
    return column.sum(where=where).cast("float64").fill_null(0.0)


@dataclass(frozen=True)
class Facts:
    """The facts of one company, each computed when first asked for."""

    company: Company

    @cached_property
    def calendar(self) -> Calendar:
        """The periods that are shown, from the params and the first event in any table."""
        p = self.company.params
        return Calendar(self.company.as_of, self.company.first_event, p.fiscal_year_start, p.history_months)

    def motion(self, channels: pd.Series) -> pd.Series:
        """Inbound or outbound for each channel, as the params say; `(unassigned)` where they do not."""
        return channels.map(self.company.params.channels).astype("str").fillna(UNASSIGNED)

    def teams(self) -> Table:
        """rep_id and its team, one row a rep; none for a company that names no rep anywhere."""
        if not self.company.has("reps"):
            return ibis.memtable({"rep": [], "team": []}, schema={"rep": "string", "team": "string"})
        reps = self.company.table("reps")
        return reps.select(rep=reps.rep_id, team=reps.team)

    def segments(self) -> Table:
        """customer_id and its segment, one row a customer."""
        customers = self.customers()
        return customers.select(buyer=customers.customer_id, segment=customers.segment)

    def customers(self) -> Table:
        """customer_id, segment, channel and rep_id, one row a customer; none for a company that names no
        customer.
        """
        columns = ("customer_id", "segment", "channel", "rep_id")
        if not self.company.has("customers"):
            return ibis.memtable({c: [] for c in columns}, schema=dict.fromkeys(columns, "string"))
        return self.company.table("customers").select(*columns)

    def with_team_and_segment(self, table: Table) -> Table:
        """Left joins of at most one row each: `table.rep` to its team, `table.buyer` to its segment."""
        table = table.left_join(self.teams(), "rep").drop("rep_right")
        return table.left_join(self.segments(), "buyer").drop("buyer_right")

    @cached_property
    def credits(self) -> Table:
        """One row per deal and credited rep, kept as a table of the engine unless the company is large.

        A deal without splits has one row with share 1; `n` marks one row a deal, `n_team` one a deal and
        team, `n_rep` is 1 in every row. `amount` and `units` are the deal's, to be multiplied by `share`.
        """
        deals = self.company.table("opportunities")
        deals = deals.mutate(buyer=deals.customer_id, rep=deals.rep_id)
        one = ibis.literal(1, "int64")
        whole = ibis.literal(1, "decimal(9, 6)")
        if not self.company.has("opportunity_splits"):
            table = deals.mutate(share=whole, n=one, n_team=one, n_rep=one)
        else:
            shares = self.shares()
            table = deals.left_join(shares, deals.opportunity_id == shares.split_of)
            table = table.mutate(
                rep=table.split_of.notnull().ifelse(table.credited, table.rep),
                share=table.split_share.fill_null(whole).cast("decimal(9, 6)"),
                n=table.first_of_deal.fill_null(one),
                n_team=table.first_of_team.fill_null(one),
                n_rep=one,
            )
        table = self.with_team_and_segment(table)
        wanted = table.select(
            "opportunity_id", "outcome", "created_at", "created_at_utc", "first_contact_at",
            "first_contact_at_utc", "closed_at", "closed_at_utc", "interval_ok", "amount", "amount_created",
            "units", "share", "stage", "n", "n_team", "n_rep",
            *(labelled(table[name]).name(name) for name in ("rep", "team", "channel", "segment")),
        )  # fmt: skip
        if self.company.is_large:
            return wanted  # joining again takes less than a copy of all that the figures need
        return self.company.keep("fact_credits", wanted)

    def shares(self) -> Table:
        """One row per rep of a split deal: `first_of_deal` marks one of a deal, `first_of_team` of a team."""
        splits = self.company.table("opportunity_splits")
        splits = splits.select(
            split_of=splits.opportunity_id, credited=splits.rep_id, split_share=splits.share
        )
        teams = self.teams()
        splits = splits.left_join(teams, splits.credited == teams.rep)
        in_deal = ibis.window(group_by=splits.split_of, order_by=splits.credited)
        in_team = ibis.window(group_by=[splits.split_of, splits.team], order_by=splits.credited)
        return splits.select(
            "split_of",
            "credited",
            "split_share",
            first_of_deal=(ibis.row_number().over(in_deal) == 0).cast("int64"),
            first_of_team=(ibis.row_number().over(in_team) == 0).cast("int64"),
        )

    @cached_property
    def closed_deals(self) -> pd.DataFrame:
        """Decided deals by month of their close and rep, team, channel, segment: credits, amounts, units,
        counts.
        """
        deals = self.credits.filter(self.credits.outcome != "open", self.credits.closed_at.notnull())
        won = deals.outcome == "won"
        keys = {"month": month_of(deals.closed_at)}
        frame = deals.group_by(
            **keys, rep=deals.rep, team=deals.team, channel=deals.channel, segment=deals.segment
        ).agg(
            won=total(deals.share, won),
            lost=total(deals.share, ~won),
            won_amount=total(deals.amount * deals.share, won),
            lost_amount=total(deals.amount * deals.share, ~won),
            units=total(deals.units * deals.share, won),
            n=deals.count(where=deals.n == 1),
            n_team=deals.count(where=deals.n_team == 1),
            n_rep=deals.count(),
            won_n=deals.count(where=won & (deals.n == 1)),
            won_n_team=deals.count(where=won & (deals.n_team == 1)),
            won_n_rep=deals.count(where=won),
        )
        return sorted_frame(frame)

    @cached_property
    def orders(self) -> pd.DataFrame:
        """Orders by month and rep, team, channel, segment: amount, count, and amount and cost of those with
        a cost.
        """
        orders = self.company.table("orders")
        orders = orders.mutate(buyer=orders.customer_id, rep=orders.rep_id)
        table = orders.left_join(self.segments(), "buyer").drop("buyer_right")
        costed = table.cost.notnull()
        sums = table.group_by(
            month=month_of(table.ordered_at),
            rep=table.rep,
            **{name: labelled(table[name]) for name in ("channel", "segment")},
        ).agg(
            amount=total(table.amount),
            n=table.count(),
            costed_n=table.count(where=costed),
            costed_amount=total(table.amount, costed),
            cost=total(table.cost, costed),
        )
        sums = sums.left_join(self.teams(), "rep").drop("rep_right")  # fewer rows than there are orders
        sums = sums.mutate(rep=labelled(sums.rep), team=labelled(sums.team))
        dims = ("rep", "team", "channel", "segment")
        return sorted_frame(sums.select("month", *dims, "amount", "n", "costed_n", "costed_amount", "cost"))

    @cached_property
    def acquired(self) -> pd.DataFrame:
        """Customers by month they were acquired and rep, team, channel, segment."""
        customers = self.company.table("customers")
        customers = customers.filter(customers.acquired_on.notnull()).mutate(rep=customers.rep_id)
        table = customers.left_join(self.teams(), "rep")
        frame = table.group_by(
            month=month_of(table.acquired_on),
            **{name: labelled(table[name]) for name in ("rep", "team", "channel", "segment")},
        ).agg(acquired=table.count())
        return sorted_frame(frame)

    @cached_property
    def gross_margin(self) -> pd.DataFrame:
        """Gross margin of the company in every period: KEYS, `costed_amount`, `cost`, `costed_n`,
        `from_rows`, `margin`.

        margin = (amount - cost) / amount over the orders with a cost (`from_rows`), else the params'
        gross_margin.
        """
        measures = ["costed_n", "costed_amount", "cost"]
        none = pd.DataFrame(columns=["month", *measures], dtype="float64")
        frame = self.orders if self.company.has("orders") else none
        rolled = roll_up(frame, measures, (), self.calendar)
        stated = self.company.params.gross_margin
        from_rows = rolled["costed_n"] > 0
        margin = ratio(rolled["costed_amount"] - rolled["cost"], rolled["costed_amount"])
        rolled["from_rows"] = from_rows
        rolled["margin"] = np.where(from_rows, margin, np.nan if stated is None else stated)
        return rolled

    def lack(self, kpi: str, *needs: str) -> str:
        """Why the KPI cannot be had from this company's tables: missing_table, missing_column or nothing.

        `needs` are `table` or `table.column` names, by default the glossary's for the KPI.
        """
        for need in needs or KPIS[kpi].needs:
            table, _, column = need.partition(".")
            if not self.company.has(table):
                return "missing_table"
            if column and not self.has_column(table, column):
                return "missing_column"
        return ""

    def has_column(self, table: str, column: str) -> bool:
        """Whether the company can know the column: a deal's creation may come from the lead it began as."""
        from_leads = (table, column) == ("opportunities", "created_at") and self.company.has("leads")
        return from_leads or self.company.has_column(table, column)

    @property
    def has_start(self) -> bool:
        """Whether any deal can have a date of its start: its own, or that of the lead it came from."""
        return any(self.has_column("opportunities", column) for column in ("created_at", "first_contact_at"))

    @property
    def revenue_table(self) -> str:
        """The table that revenue comes from."""
        return self.company.params.revenue_from

    def sales(self) -> Table:
        """What revenue is made of, one row per won deal or order: customer_id, month, amount, cost, `bought`.

        `bought` is false for a refund; a deal has no cost.
        """
        if self.revenue_table == "orders":
            orders = self.company.table("orders")
            return orders.select(
                "customer_id", "amount", "cost", month=month_of(orders.ordered_at), bought=orders.amount > 0
            )
        deals = self.company.table("opportunities")
        deals = deals.filter(deals.outcome == "won", deals.closed_at.notnull())
        return deals.select(
            "customer_id",
            amount=deals.amount.fill_null(ibis.literal(0, "decimal(20, 6)")),
            cost=ibis.null("decimal(20, 6)"),
            month=month_of(deals.closed_at),
            bought=ibis.literal(True),
        )

    @cached_property
    def revenue(self) -> pd.DataFrame:
        """Revenue by month and rep, team, channel, segment: `amount` and the counts `n`, `n_team`, `n_rep`
        behind it.
        """
        if self.revenue_table == "orders":
            return self.orders.assign(n_team=self.orders["n"], n_rep=self.orders["n"])
        deals = self.closed_deals.drop(columns=["n", "n_team", "n_rep"])
        return deals.rename(
            columns={"won_amount": "amount", "won_n": "n", "won_n_team": "n_team", "won_n_rep": "n_rep"}
        )

    @cached_property
    def revenue_by_period(self) -> pd.DataFrame:
        """Company revenue of every period from the calendar's earliest month on: KEYS, `amount`, `n`."""
        return roll_up(self.revenue, ["amount", "n"], (), self.calendar)


def numbered(table: Table, cells: pd.DataFrame) -> Table:
    """The rows with `cell`, the number of their combination of breakdowns in `cells`: a number per row is
    handed over where millions of rows with several texts are too many.
    """
    known = cells.rename(columns=lambda name: f"cell_{name}").assign(cell=range(len(cells)))
    schema = {**dict.fromkeys(known.columns[:-1], "string"), "cell": "int64"}
    of_cell = ibis.memtable(known, schema=schema)
    return table.inner_join(of_cell, [table[name] == of_cell[f"cell_{name}"] for name in cells.columns])


def sorted_frame(expression: Table) -> pd.DataFrame:
    """The result of an aggregate, in one order whatever the engine's threads did."""
    frame = expression.to_pandas()
    keys = [c for c in frame.columns if c == "month" or not pd.api.types.is_numeric_dtype(frame[c])]
    if not keys:
        return frame
    order = np.lexsort([ranked(frame[key]) for key in reversed(keys)])
    return frame.take(order).reset_index(drop=True)


def ranked(column: pd.Series) -> np.ndarray:
    """A number per value, in the order of the values, the missing last: texts sort by few of them."""
    codes, values = pd.factorize(column)
    ranks = np.empty(len(values) + 1, dtype="int64")
    ranks[np.argsort(np.asarray(values, dtype=object))] = np.arange(len(values))
    ranks[-1] = len(values)  # the code of a missing value is -1
    return ranks[codes]
