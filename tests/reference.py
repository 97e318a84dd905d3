"""The KPI definitions a second time, in plain Python loops over plain rows: slow, obvious, and nothing of
the package.

`reference(tables, params)` takes lists of dicts (dates as `date`, instants as `datetime`, money as float,
missing as None)
and gives {(kpi, grain, first day, dimension, member): value or None}.
"""

from collections import defaultdict
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from statistics import median

import reference_customers
import reference_durations
import reference_pipeline
import reference_review
import reference_targets

NONE = "(unassigned)"
DAY = timedelta(days=1)
SIZES = {"month": 1, "quarter": 3, "year": 12}
Row = dict
Members = dict[str, Callable[[Row], str]]


def add_months(day: date, months: int) -> date:
    years, month = divmod(day.month - 1 + months, 12)
    return date(day.year + years, month + 1, 1)


def day_of(value) -> date | None:
    return value.date() if isinstance(value, datetime) else value


def starts_of(grain: str, as_of: date, first: date, fiscal: int, history: int) -> list[date]:
    """First days of the shown periods of a grain."""
    month = as_of.replace(day=1)
    shown = max(first.replace(day=1), add_months(month, 1 - history))
    start = shown
    while grain != "month" and (start.month - fiscal) % SIZES[grain]:
        start = add_months(start, -1)
    starts = []
    while start <= as_of:
        starts.append(start)
        start = add_months(start, SIZES[grain])
    return starts


class Reference:
    def __init__(self, tables: dict[str, list[Row]], params: dict, as_of: date, first: date):
        self.t, self.p, self.as_of, self.first = tables, params, as_of, first
        self.out: dict = {}
        self.reps = {r["rep_id"]: r for r in tables.get("reps", [])}
        self.customers = {c["customer_id"]: c for c in tables.get("customers", [])}
        self.fiscal = params.get("fiscal_year_start", 1)

    # periods
    def periods(self, grains=("month", "quarter", "year")):
        for grain in grains:
            for start in starts_of(
                grain, self.as_of, self.first, self.fiscal, self.p.get("history_months", 24)
            ):
                yield grain, start, add_months(start, SIZES[grain])

    def put(self, kpi, grain, start, dimension, member, value):
        self.out[kpi, grain, start, dimension, member] = value

    # breakdowns
    def team(self, rep):
        return (self.reps.get(rep) or {}).get("team") or NONE

    def segment(self, customer):
        return (self.customers.get(customer) or {}).get("segment") or NONE

    def motion(self, channel):
        return self.p.get("channels", {}).get(channel, NONE)

    def credits(self, deal):
        splits = [
            s for s in self.t.get("opportunity_splits", []) if s["opportunity_id"] == deal["opportunity_id"]
        ]
        pairs = [(s["rep_id"], s["share"]) for s in splits] or [(deal["rep_id"], 1.0)]
        return [
            {
                "deal": deal,
                "share": share,
                "rep": rep or NONE,
                "team": self.team(rep),
                "channel": deal["channel"] or NONE,
                "segment": self.segment(deal["customer_id"]),
                "motion": self.motion(deal["channel"]),
            }
            for rep, share in pairs
        ]

    def over(self, kpi, rows, grain, start, dims, value):
        """The value over all rows, and over the rows of each member of each breakdown."""
        self.put(kpi, grain, start, "", "", value(rows))
        for dim in dims:
            for member in sorted({r[dim] for r in rows}):
                self.put(kpi, grain, start, dim, member, value([r for r in rows if r[dim] == member]))

    # families
    def deals(self):
        if "opportunities" not in self.t:
            return
        credits = [c for deal in self.t["opportunities"] for c in self.credits(deal)]

        def share(rows, outcome):
            return sum(r["share"] for r in rows if r["deal"]["outcome"] == outcome)

        def amount(rows, *outcomes):
            return sum(
                r["share"] * (r["deal"]["amount"] or 0) for r in rows if r["deal"]["outcome"] in outcomes
            )

        for grain, start, end in self.periods():
            closed = [
                c
                for c in credits
                if c["deal"]["outcome"] != "open" and start <= day_of(c["deal"]["closed_at"]) < end
            ]
            won = [c for c in closed if c["deal"]["outcome"] == "won"]
            if self.p.get("revenue_from", "opportunities") == "opportunities":
                self.over(
                    "revenue",
                    won,
                    grain,
                    start,
                    ("rep", "team", "channel", "segment"),
                    lambda r: amount(r, "won"),
                )
            self.over(
                "units",
                won,
                grain,
                start,
                ("rep", "team"),
                lambda r: sum(c["share"] * (c["deal"]["units"] or 0) for c in r),
            )
            self.over("won_deals", won, grain, start, ("rep", "team"), lambda r: share(r, "won"))
            lost = [c for c in closed if c["deal"]["outcome"] == "lost"]
            self.over("lost_deals", lost, grain, start, ("rep", "team"), lambda r: share(r, "lost"))
            self.over(
                "win_rate",
                closed,
                grain,
                start,
                ("rep", "team", "channel", "segment"),
                lambda r: div(share(r, "won"), share(r, "won") + share(r, "lost")),
            )
            self.over(
                "win_rate_amount",
                closed,
                grain,
                start,
                ("rep", "team"),
                lambda r: div(amount(r, "won"), amount(r, "won", "lost")),
            )
            self.over(
                "deal_size",
                won,
                grain,
                start,
                ("rep", "team", "segment"),
                lambda r: div(amount(r, "won"), share(r, "won")),
            )
            timed = [c for c in won if cycle(c["deal"]) is not None]
            self.over("cycle_days", timed, grain, start, ("rep", "team", "segment", "channel"), median_cycle)
            self.over("cycle_days_mean", timed, grain, start, (), mean_cycle)
            made = [
                c
                for c in credits
                if c["deal"]["created_at"] and start <= day_of(c["deal"]["created_at"]) < end
            ]
            self.over(
                "new_opportunities",
                made,
                grain,
                start,
                ("rep", "team", "channel", "motion"),
                lambda r: sum(c["share"] for c in r),
            )
            self.over(
                "pipeline_created",
                made,
                grain,
                start,
                ("rep", "team", "channel"),
                lambda r: amount(r, "won", "lost", "open"),
            )

    def order_revenue(self):
        if self.p.get("revenue_from", "opportunities") != "orders":
            return
        rows = [
            {
                **o,
                "rep": o["rep_id"] or NONE,
                "team": self.team(o["rep_id"]),
                "channel": o["channel"] or NONE,
                "segment": self.segment(o["customer_id"]),
            }
            for o in self.t["orders"]
        ]
        for grain, start, end in self.periods():
            here = [r for r in rows if start <= day_of(r["ordered_at"]) < end]
            self.over(
                "revenue",
                here,
                grain,
                start,
                ("rep", "team", "channel", "segment"),
                lambda r: sum(o["amount"] for o in r),
            )

    def revenue_of(self, start, end):
        if self.p.get("revenue_from", "opportunities") == "orders":
            return sum(o["amount"] for o in self.t["orders"] if start <= day_of(o["ordered_at"]) < end)
        return sum(
            d["amount"] or 0
            for d in self.t["opportunities"]
            if d["outcome"] == "won" and start <= day_of(d["closed_at"]) < end
        )

    def growth(self):
        for grain, start, end in self.periods():
            now, year = (
                self.revenue_of(start, end),
                self.revenue_of(add_months(start, -12), add_months(end, -12)),
            )
            self.put("sales_growth_yoy", grain, start, "", "", div(now - year, year) if year > 1e-9 else None)
            if grain == "month":
                last = self.revenue_of(add_months(start, -1), start)
                self.put(
                    "sales_growth_mom", grain, start, "", "", div(now - last, last) if last > 1e-9 else None
                )
                six = self.revenue_of(add_months(start, -6), add_months(end, -6))
                sound = end - DAY <= self.as_of and now > 1e-9 and six > 1e-9
                self.put("cmgr_6m", grain, start, "", "", (now / six) ** (1 / 6) - 1 if sound else None)

    def per_rep(self):
        for grain, start, end in self.periods():
            on = [
                r
                for r in self.t["reps"]
                if (r["started_on"] is None or r["started_on"] < end)
                and (r["ended_on"] is None or r["ended_on"] >= start)
            ]
            self.put("sales_per_rep", grain, start, "", "", div(self.revenue_of(start, end), len(on)))

    def mails(self):
        rows = [
            {
                **m,
                "campaign": m["campaign_id"] or NONE,
                "variant": m["variant"] or NONE,
                "rep": m["rep_id"] or NONE,
            }
            for m in self.t.get("emails", [])
        ]
        for grain, start, end in self.periods() if rows else ():
            sent = [m for m in rows if start <= day_of(m["sent_at"]) < end]
            got = [m for m in sent if not m["bounced"]]
            dims = ("campaign", "variant", "rep")
            self.over("emails_delivered", got, grain, start, dims, len)
            self.over(
                "open_rate",
                got,
                grain,
                start,
                dims,
                lambda r: div(sum(m["opened_at"] is not None for m in r), len(r)),
            )
            self.over("open_rate_adjusted", got, grain, start, dims, adjusted)
            self.over(
                "click_rate",
                got,
                grain,
                start,
                ("campaign",),
                lambda r: div(sum(m["clicked_at"] is not None for m in r), len(r)),
            )
            self.over(
                "bounce_rate",
                sent,
                grain,
                start,
                ("campaign",),
                lambda r: div(sum(bool(m["bounced"]) for m in r), len(r)),
            )

    def leads(self):
        if "leads" not in self.t:
            return
        deals = self.t.get("opportunities", [])
        end_of_time = datetime.combine(self.as_of + DAY, time())
        rows = []
        for lead in self.t["leads"]:
            own = [
                d
                for d in deals
                if d["opportunity_id"] == lead["opportunity_id"] or d["lead_id"] == lead["lead_id"]
            ]
            wins = [d["closed_at"] for d in own if d["outcome"] == "won"]
            row = {
                **lead,
                "rep": lead["rep_id"] or NONE,
                "team": self.team(lead["rep_id"]),
                "channel": lead["channel"] or NONE,
            }
            row |= {
                "motion": self.motion(lead["channel"]),
                "qualified": bool(own) or bool(lead["opportunity_id"] and lead["qualified_at"]),
                "won_at": min(wins) if wins else None,
            }
            row["days"] = days_between(lead["created_at"], row["won_at"]) if wins else None
            row["old"] = end_of_time - as_instant(lead["created_at"]) >= timedelta(days=90)
            rows.append(row)
        for grain, start, end in self.periods():
            here = [r for r in rows if start <= day_of(r["created_at"]) < end]
            dims = ("rep", "channel", "motion")
            self.over("new_leads", here, grain, start, (*dims, "team"), len)
            if "opportunities" not in self.t:
                continue
            self.over(
                "lead_opportunity_ratio",
                here,
                grain,
                start,
                dims,
                lambda r: div(sum(x["qualified"] for x in r), len(r)),
            )
            self.over(
                "lead_conversion_rate",
                here,
                grain,
                start,
                dims,
                lambda r: div(sum(x["won_at"] is not None for x in r), len(r)),
            )
            self.over("lead_conversion_90d", here, grain, start, dims, within_90)
            done = [r for r in here if r["days"] is not None and r["days"] >= 0]
            self.over(
                "convert_days",
                done,
                grain,
                start,
                ("channel",),
                lambda r: median(x["days"] for x in r) if r else None,
            )

    # customers
    def active(self, on: date) -> dict[str, float]:
        """Active customers on a day and what they pay a month (0 with orders)."""
        found: dict[str, float] = defaultdict(float)
        churn = self.p["churn"]
        if churn["basis"] == "subscriptions":
            for s in self.t["subscriptions"]:
                if s["mrr"] > 0 and s["started_on"] <= on and (s["ended_on"] is None or on < s["ended_on"]):
                    found[s["customer_id"]] += s["mrr"]
        else:
            for o in self.t["orders"]:
                age = (on - day_of(o["ordered_at"])).days
                if o["amount"] > 0 and o["customer_id"] and 0 <= age < churn["inactive_days"]:
                    found[o["customer_id"]] = 0.0
        return dict(found)

    def first_active(self) -> dict[str, date]:
        first: dict[str, date] = {}
        if self.p["churn"]["basis"] == "subscriptions":
            begun = [
                (s["customer_id"], s["started_on"])
                for s in self.t["subscriptions"]
                if s["mrr"] > 0 and (s["ended_on"] is None or s["ended_on"] > s["started_on"])
            ]
        else:
            begun = [
                (o["customer_id"], day_of(o["ordered_at"]))
                for o in self.t["orders"]
                if o["amount"] > 0 and o["customer_id"]
            ]
        for customer, day in begun:
            first[customer] = min(day, first.get(customer, day))
        return first

    def churn_of(self, start, end, only=None):
        opening, closing = self.active(start - DAY), self.active(min(end - DAY, self.as_of))
        opening = {c for c in opening if only is None or self.segment(c) == only}
        return div(len(opening - closing.keys()), len(opening))

    def customers_family(self):
        basis = self.p.get("churn", {}).get("basis", "subscriptions")
        if basis not in self.t:
            return
        first, everybody = self.first_active(), set(self.first_active())
        for grain, start, end in self.periods():
            m0, m1 = self.active(start - DAY), self.active(min(end - DAY, self.as_of))
            for dim, member in [
                ("", ""),
                *(("segment", s) for s in sorted({self.segment(c) for c in everybody})),
            ]:
                mine = {c for c in everybody if not dim or self.segment(c) == member}
                o, c = mine & m0.keys(), mine & m1.keys()
                new = {x for x in c - o if first[x] >= start}
                put = {
                    "customers_opening": len(o),
                    "customers_closing": len(c),
                    "customers_new": len(new),
                    "customers_reactivated": len(c - o - new),
                    "customers_churned": len(o - c),
                    "churn_rate": div(len(o - c), len(o)),
                    "retention_rate": div(len(o & c), len(o)),
                }
                if basis == "subscriptions":
                    opening_mrr = sum(m0[x] for x in o)
                    put |= {
                        "mrr_opening": opening_mrr,
                        "mrr_closing": sum(m1[x] for x in c),
                        "mrr_new": sum(m1[x] for x in new),
                        "mrr_reactivated": sum(m1[x] for x in c - o - new),
                        "mrr_expansion": sum(max(m1[x] - m0[x], 0) for x in o & c),
                        "mrr_contraction": sum(max(m0[x] - m1[x], 0) for x in o & c),
                        "mrr_churned": sum(m0[x] for x in o - c),
                        "nrr": div(sum(m1.get(x, 0) for x in o), opening_mrr),
                        "grr": div(sum(min(m1.get(x, 0), m0[x]) for x in o), opening_mrr),
                        "arpa": div(sum(m1[x] for x in c), len(c)),
                    }
                for kpi, value in put.items():
                    self.put(kpi, grain, start, dim, member, value)
            flash = (
                {x for x, day in first.items() if start <= day < end and day <= self.as_of}
                - m0.keys()
                - m1.keys()
            )
            self.put("customers_flash", grain, start, "", "", len(flash))
            if basis == "orders":
                self.put("arpa", grain, start, "", "", div(self.revenue_of(start, end), len(m1)))
        self.lifetime_value()
        self.cohorts(basis)

    def lifetime_value(self):
        margin = self.p.get("gross_margin")
        if margin is None or any(o["cost"] is not None for o in self.t.get("orders", [])):
            return
        for _, start, _ in self.periods(("month",)):
            ends = [add_months(start, 1 - k) for k in range(0, 40)]
            whole = [e for e in ends if e - DAY <= self.as_of][:6]
            rates = [r for r in (self.churn_of(add_months(e, -1), e) for e in whole) if r is not None]
            arpa = self.out["arpa", "month", start, "", ""]
            mean = sum(rates) / len(rates) if rates else None
            self.put(
                "clv", "month", start, "", "", arpa * margin / mean if mean and arpa is not None else None
            )

    def cohorts(self, basis):
        months = [s for _, s, end in self.periods(("month",)) if end - DAY <= self.as_of]
        for cohort in months:
            members = {
                c
                for c, r in self.customers.items()
                if r["acquired_on"] and r["acquired_on"].replace(day=1) == cohort
            }
            for age, month in enumerate(m for m in months if m >= cohort):
                if basis == "subscriptions":
                    seen = self.active(add_months(month, 1) - DAY).keys()
                else:
                    seen = {
                        o["customer_id"]
                        for o in self.t["orders"]
                        if o["amount"] > 0 and day_of(o["ordered_at"]).replace(day=1) == month
                    }
                if members:
                    self.put(
                        "cohort_retention",
                        "month",
                        cohort,
                        "age_months",
                        str(age),
                        len(members & seen) / len(members),
                    )

    def costs(self):
        acquired = [
            {
                "rep": c["rep_id"] or NONE,
                "team": self.team(c["rep_id"]),
                "channel": c["channel"] or NONE,
                "segment": c["segment"] or NONE,
                "motion": self.motion(c["channel"]),
                "on": c["acquired_on"],
                "cost": 0.0,
            }
            for c in self.t["customers"]
            if c["acquired_on"]
        ]
        spent = [
            {
                "channel": c["channel"] or NONE,
                "motion": self.motion(c["channel"]),
                "on": c["month"],
                "cost": c["amount"],
                "category": c["category"],
            }
            for c in self.t.get("costs", [])
        ]
        for grain, start, end in self.periods():
            came = [c for c in acquired if start <= c["on"] < end]
            self.over("new_accounts", came, grain, start, ("rep", "team", "channel", "segment"), len)
            paid = [c for c in spent if start <= c["on"] < end]
            if "costs" in self.t:
                self.over(
                    "acquisition_cost",
                    paid,
                    grain,
                    start,
                    ("channel", "category"),
                    lambda r: sum(c["cost"] for c in r),
                )
                self.over(
                    "cac",
                    [*paid, *came],
                    grain,
                    start,
                    ("channel", "motion"),
                    lambda r: div(sum(c["cost"] for c in r), sum("category" not in c for c in r)),
                )


def div(a, b):
    return None if abs(b) < 1e-9 else a / b


def as_instant(value):
    return value if isinstance(value, datetime) else datetime.combine(value, time())


def days_between(start, end):
    """Days of 86,400 s between instants; whole calendar days when either is only a day."""
    if isinstance(start, datetime) and isinstance(end, datetime):
        return (end - start).total_seconds() / 86400
    return float((day_of(end) - day_of(start)).days)


def cycle(deal):
    start = deal["first_contact_at"] or deal["created_at"]
    days = days_between(start, deal["closed_at"]) if start else None
    return None if days is None or days < 0 else days


def distinct(rows):
    return {(r["deal"]["opportunity_id"]): r["deal"] for r in rows}.values()


def median_cycle(rows):
    return median(cycle(d) for d in distinct(rows)) if rows else None


def mean_cycle(rows):
    days = [cycle(d) for d in distinct(rows)]
    return sum(days) / len(days) if days else None


def adjusted(rows):
    machine = sum(m["opened_at"] is not None and bool(m["machine_open"]) for m in rows)
    return div(sum(m["opened_at"] is not None for m in rows) - machine, len(rows) - machine)


def within_90(rows):
    old = [r for r in rows if r["old"]]
    return div(sum(r["days"] is not None and 0 <= r["days"] <= 90 for r in old), len(old))


def reference(tables: dict[str, list[Row]], params: dict, as_of: date, first: date) -> dict:
    """Every KPI above for one company; `first` is the day of its first event."""
    r = Reference(tables, params, as_of, first)
    for part in (
        r.deals,
        r.order_revenue,
        r.growth,
        r.per_rep,
        r.mails,
        r.leads,
        r.customers_family,
        r.costs,
    ):
        part()
    for topic in (
        reference_customers.growth_effect,
        reference_customers.clv_historic,
        reference_customers.cac_lagged,
        reference_customers.retention_12m_by_rep,
        reference_pipeline.open_pipeline,
        reference_pipeline.unworked_leads,
        reference_pipeline.stage_conversion,
        reference_pipeline.open_rate_lift,
        reference_durations.closing,
        reference_durations.first_responses,
        reference_durations.converting,
        reference_targets.targets,
        reference_targets.shrunk,
        reference_targets.month_to_date,
        reference_review.review,
    ):
        topic(r)
    return r.out
