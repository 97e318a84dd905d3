"""Every KPI once: what it is called, what it means, what it needs.

The notebooks' definition cards, the axis labels and `docs/kpis.md` are made from here, so that they cannot
drift.
"""

from dataclasses import dataclass

MONEY, RATIO, COUNT, DAYS, HOURS, MONTHS = "money", "ratio", "count", "days", "hours", "months"
GRAINS = ("month", "quarter", "year")
REVIEW_GRAINS = ("day", "week", "month")  # of the team's review: the last 13 days and weeks, and months
UNASSIGNED = "(unassigned)"

REASONS = {
    "no_denominator": "there is nothing to divide by",
    "missing_table": "the company has no such table",
    "missing_column": "the table lacks the column this needs",
    "no_base": "there is no earlier value above zero to compare with",
    "no_target": "no target is set",
    "no_churn": "no customer was lost in the last six complete months, so a lifetime cannot be estimated",
    "not_reached": "not yet reached by enough of them",
    "none_eligible": "none of the cases qualifies, or none is old enough yet",
}

STATUSES = {
    "ok": "complete and based on enough observations",
    "provisional": "still moving: the period is not over or the cohort is young",
    "small_n": "fewer observations than the company ranks on",
    "undefined": "no value",
}


@dataclass(frozen=True)
class Kpi:
    """One KPI: its public id and everything a reader is told about it.

    `unit` is money, ratio, count, days, hours or months (money becomes the company's currency code in the KPI
    table);
    `direction` is up, down or none (which way is good); `dims` are the breakdowns beside the company total;
    `needs` are `table` or `table.column` names without which the KPI is undefined; `headline` is its number
    among the ten headline KPIs. A `cohort` is provisional until it is as old as the company's
    `maturity_days`;
    `settle_days` says how many days after the period the value still moves; fewer observations than `least_n`
    are few whatever the company's `min_n`. What is `modelled` takes longer than a table of figures should: it
    is there only when asked for.
    """

    id: str
    family: str
    name: str
    unit: str
    formula: str
    direction: str = "up"
    dims: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    grains: tuple[str, ...] = GRAINS
    headline: int | None = None
    cohort: bool = False
    settle_days: int = 0
    least_n: int = 0
    source: str = ""
    modelled: bool = False


_TARGETED = {
    "revenue": ("Revenue", MONEY),
    "units": ("Units", COUNT),
    "new_accounts": ("New accounts", COUNT),
}


def _targets() -> list[Kpi]:
    """Targets, attainment and pace, the same words for each of the three metrics a target can be set in."""
    kpis = []
    for metric, (name, unit) in _TARGETED.items():
        kpis += [
            Kpi(
                f"target_{metric}",
                "team",
                f"{name} target",
                unit,
                f"the {name.lower()} target set for exactly this period, as known on the report's day; "
                "else the sum of finer targets that tile the period; a coarser target is never split",
                "none",
                ("rep", "team"),
                ("targets",),
            ),
            Kpi(
                f"attainment_{metric}",
                "team",
                f"{name} against target",
                RATIO,
                f"{name.lower()} / target",
                "up",
                ("rep", "team"),
                ("targets",),
                headline=1,
            ),
            Kpi(
                f"pace_{metric}",
                "team",
                f"{name} against the target so far",
                RATIO,
                f"{name.lower()} so far / (target x selling days over by the report's day / selling days of "
                "the period): 1 is on pace; selling days are Monday to Friday less the public holidays of "
                "the company's country; over a whole period it is the attainment",
                "up",
                ("rep", "team"),
                ("targets",),
            ),
        ]
    return kpis


_ALL = [
    # team
    Kpi(
        "revenue",
        "team",
        "Revenue",
        MONEY,
        "sum of the amounts of deals won and closed in the period, or of the orders placed in it, "
        "refunds negative",
        dims=("rep", "team", "channel", "segment"),
    ),
    Kpi(
        "units",
        "team",
        "Units sold",
        COUNT,
        "sum of the units of deals won and closed in the period",
        dims=("rep", "team"),
        needs=("opportunities.units",),
    ),
    Kpi(
        "new_accounts",
        "team",
        "New accounts",
        COUNT,
        "customers acquired in the period",
        dims=("rep", "team", "channel", "segment"),
        needs=("customers",),
    ),
    *_targets(),
    Kpi(
        "required_daily_revenue",
        "team",
        "Revenue needed a selling day",
        MONEY,
        "what is left to the revenue target, nothing once it is reached / selling days left in the period "
        "after the report's day",
        "down",
        needs=("targets",),
    ),
    Kpi(
        "target_cascade",
        "team",
        "Reps' targets against the company's",
        RATIO,
        "sum of the salespeople's revenue targets of the period / the company's; above 1 more is asked of "
        "them than of the company",
        "none",
        needs=("targets",),
    ),
    Kpi(
        "won_deals",
        "team",
        "Deals won",
        COUNT,
        "deals won and closed in the period; a split deal counts by its shares",
        dims=("rep", "team"),
        needs=("opportunities",),
    ),
    Kpi(
        "lost_deals",
        "team",
        "Deals lost",
        COUNT,
        "deals lost and closed in the period; a split deal counts by its shares",
        "down",
        ("rep", "team"),
        ("opportunities",),
    ),
    Kpi(
        "sales_per_rep",
        "team",
        "Sales per rep",
        MONEY,
        "revenue of the period / salespeople on the team on any day of it",
        dims=("team",),
        needs=("reps",),
        headline=2,
    ),
    Kpi(
        "deal_size",
        "team",
        "Deal size",
        MONEY,
        "amount of the deals won in the period / deals won in it",
        dims=("rep", "team", "segment"),
        needs=("opportunities.amount",),
    ),
    Kpi(
        "win_rate",
        "team",
        "Win rate",
        RATIO,
        "won / (won + lost), over deals closed in the period",
        dims=("rep", "team", "channel", "segment"),
        needs=("opportunities",),
        source="interval: Wilson 1927",
    ),
    Kpi(
        "win_rate_amount",
        "team",
        "Win rate by amount",
        RATIO,
        "amount won / (amount won + amount lost), over deals closed in the period",
        dims=("rep", "team"),
        needs=("opportunities.amount",),
    ),
    Kpi(
        "win_rate_shrunk",
        "team",
        "Win rate, few deals allowed for",
        RATIO,
        "(won + team's win rate x M) / (won + lost + M): the win rate drawn towards the team's, the more the "
        "fewer deals it rests on; M is how many deals the team's rate is worth, at most all the team decided "
        "in the period, and the larger the more alike the reps are; a rep whose interval overlaps the team's "
        "cannot be told from it; for the company it is the win rate",
        dims=("rep",),
        needs=("opportunities",),
        source="empirical Bayes with a beta prior, Casella 1985; interval: 2.5 and 97.5 % of the posterior, "
        "the company's Wilson 1927",
    ),
    Kpi(
        "cycle_days",
        "team",
        "Sales-cycle length",
        DAYS,
        "median days from the first contact (else the creation) to the close, over deals won in the period",
        "none",
        ("rep", "team", "segment", "channel"),
        ("opportunities",),
        headline=3,
        source="interval: binomial order statistics",
    ),
    Kpi(
        "cycle_days_mean",
        "team",
        "Sales-cycle length, mean",
        DAYS,
        "mean days from the first contact (else the creation) to the close, over deals won in the period",
        "none",
        ("rep", "team"),
        ("opportunities",),
    ),
    Kpi(
        "cycle_days_p90",
        "team",
        "Sales-cycle length, slowest tenth",
        DAYS,
        "90th percentile of the days from the first contact (else the creation) to the close, over deals won "
        "in the period",
        "none",
        ("rep", "team"),
        ("opportunities",),
    ),
    Kpi(
        "close_days_km",
        "team",
        "Days to close, open deals included",
        DAYS,
        "days by which half of the deals that started in the period have closed, won or lost (Kaplan-Meier "
        "median from the first contact, else the creation); a deal still open counts as having lasted until "
        "the end of the report's day, so it is not reached while more than half of them last",
        "none",
        needs=("opportunities",),
        cohort=True,
        source="Kaplan and Meier 1958; interval: Brookmeyer and Crowley 1982, Greenwood's variance on the "
        "log-log scale",
    ),
    Kpi(
        "won_by_day",
        "team",
        "Won by day",
        RATIO,
        "probability that a deal that started in the period is won at most so many days after its start, "
        "when it may be lost instead (Aalen-Johansen); a deal still open counts for as long as it was seen",
        dims=("day",),
        needs=("opportunities",),
        cohort=True,
        source="Aalen and Johansen 1978; interval: Marubini and Valsecchi 1995, on the log-log scale",
    ),
    Kpi(
        "retention_12m_by_rep",
        "team",
        "Customers kept for a year",
        RATIO,
        "customers active (as in customer churn) 12 months after the close of their first won deal / "
        "customers whose first won deal closed in the period, at least 12 months before the report's day; a "
        "customer counts once for each rep credited with that deal",
        dims=("rep",),
        needs=("opportunities.customer_id",),
        settle_days=365,
        source="interval: Wilson 1927",
    ),
    # leads
    Kpi(
        "emails_delivered",
        "leads",
        "E-mails delivered",
        COUNT,
        "e-mails sent in the period and not bounced",
        "none",
        ("campaign", "variant", "rep"),
        ("emails",),
    ),
    Kpi(
        "open_rate",
        "leads",
        "E-mail open rate",
        RATIO,
        "delivered e-mails that were opened / delivered e-mails",
        dims=("campaign", "variant", "rep"),
        needs=("emails.opened_at",),
        headline=4,
        settle_days=3,
        source="interval: Wilson 1927",
    ),
    Kpi(
        "open_rate_adjusted",
        "leads",
        "E-mail open rate without machines",
        RATIO,
        "(opened - opened by a machine) / (delivered - opened by a machine); privacy proxies open "
        "everything, "
        "so they leave both sides",
        dims=("campaign", "variant", "rep"),
        needs=("emails.opened_at", "emails.machine_open"),
        settle_days=3,
    ),
    Kpi(
        "open_rate_lift",
        "leads",
        "Open rate against the first variant",
        RATIO,
        "open rate of a campaign's variant - open rate of its first variant by name, over the period's "
        "e-mails of campaigns that sent at least two variants in it",
        dims=("variant",),
        needs=("emails.opened_at", "emails.variant", "emails.campaign_id"),
        settle_days=3,
        least_n=100,
        source="interval: Newcombe 1998, method 10",
    ),
    Kpi(
        "click_rate",
        "leads",
        "E-mail click rate",
        RATIO,
        "delivered e-mails that were clicked / delivered e-mails",
        dims=("campaign",),
        needs=("emails.clicked_at",),
    ),
    Kpi(
        "click_to_open_rate",
        "leads",
        "Clicks per opened e-mail",
        RATIO,
        "delivered e-mails that were clicked / delivered e-mails that were opened",
        dims=("campaign",),
        needs=("emails.clicked_at", "emails.opened_at"),
    ),
    Kpi(
        "bounce_rate",
        "leads",
        "E-mail bounce rate",
        RATIO,
        "bounced e-mails / sent e-mails",
        "down",
        ("campaign",),
        ("emails.bounced",),
    ),
    Kpi(
        "unsubscribe_rate",
        "leads",
        "E-mail unsubscribe rate",
        RATIO,
        "delivered e-mails whose reader unsubscribed / delivered e-mails",
        "down",
        ("campaign",),
        ("emails.unsubscribed_at",),
    ),
    Kpi(
        "new_leads",
        "leads",
        "New leads",
        COUNT,
        "leads created in the period",
        dims=("rep", "team", "channel", "motion"),
        needs=("leads",),
        headline=5,
    ),
    Kpi(
        "new_opportunities",
        "leads",
        "New opportunities",
        COUNT,
        "opportunities created in the period; a split deal counts by its shares",
        dims=("rep", "team", "channel", "motion"),
        needs=("opportunities.created_at",),
        headline=5,
    ),
    Kpi(
        "pipeline_created",
        "leads",
        "Pipeline created",
        MONEY,
        "sum of the amounts of opportunities created in the period",
        dims=("rep", "team", "channel"),
        needs=("opportunities.created_at", "opportunities.amount"),
    ),
    Kpi(
        "first_response_hours",
        "leads",
        "Hours to the first contact",
        HOURS,
        "hours by which half of the leads created in the period were contacted (Kaplan-Meier median); one "
        "not contacted yet counts as having waited until the end of the report's day; a plain date is "
        "measured in whole days",
        "down",
        ("rep", "channel"),
        ("leads.first_contact_at",),
        source="Kaplan and Meier 1958; interval: Brookmeyer and Crowley 1982, Greenwood's variance on the "
        "log-log scale",
    ),
    Kpi(
        "contacted_24h_rate",
        "leads",
        "Contacted within 24 hours",
        RATIO,
        "leads contacted at most 24 hours after their creation (of plain dates: by the next day) / leads "
        "created in the period at least 24 hours before the end of the report's day",
        dims=("rep", "channel"),
        needs=("leads.first_contact_at",),
        source="interval: Wilson 1927",
    ),
    Kpi(
        "open_pipeline",
        "leads",
        "Open pipeline",
        MONEY,
        "sum of the amounts of the opportunities open on the closing day: created by then (else first "
        "contacted) and not yet closed; by the stage each stood in on that day",
        dims=("rep", "team", "stage"),
        needs=("opportunities.amount",),
    ),
    Kpi(
        "unworked_leads",
        "leads",
        "Leads nobody has worked",
        COUNT,
        "leads created by the closing day and by then neither contacted nor qualified: a lead with an "
        "opportunity is qualified on the day it says, else on the day the opportunity was created",
        "down",
        ("rep",),
        ("leads.first_contact_at",),
    ),
    # growth
    Kpi(
        "lead_opportunity_ratio",
        "growth",
        "Lead-opportunity ratio",
        RATIO,
        "leads created in the period that became an opportunity by the report's day / leads created in it; a "
        "lead that names its opportunity and the day it got it counts even where the opportunity is not in "
        "the data",
        dims=("rep", "channel", "motion"),
        needs=("leads", "opportunities"),
        cohort=True,
    ),
    Kpi(
        "lead_conversion_rate",
        "growth",
        "Lead conversion rate",
        RATIO,
        "leads created in the period whose opportunity was won by the report's day / leads created in it",
        dims=("rep", "channel", "motion"),
        needs=("leads", "opportunities"),
        headline=6,
        cohort=True,
        source="interval: Wilson 1927",
    ),
    Kpi(
        "lead_conversion_90d",
        "growth",
        "Lead conversion within 90 days",
        RATIO,
        "leads won at most 90 days after their creation / leads created in the period that are at least "
        "90 days "
        "old",
        dims=("rep", "channel", "motion"),
        needs=("leads", "opportunities"),
        cohort=True,
    ),
    Kpi(
        "convert_days",
        "growth",
        "Days from lead to customer",
        DAYS,
        "median days from creation to the won deal, among the leads of the period that converted; says "
        "nothing "
        "of the rest",
        "down",
        ("channel",),
        ("leads", "opportunities"),
        cohort=True,
    ),
    Kpi(
        "converted_by_day",
        "growth",
        "Converted by day",
        RATIO,
        "share of the leads created in the period that are won at most so many days after their creation "
        "(1 - Kaplan-Meier); a lead not won yet counts for as long as it was seen",
        dims=("day",),
        needs=("leads", "opportunities"),
        cohort=True,
        source="Kaplan and Meier 1958; interval: Greenwood's variance on the log-log scale",
    ),
    Kpi(
        "stage_conversion",
        "growth",
        "Conversion from stage to stage",
        RATIO,
        "deals that had entered a later stage, or were won, by the report's day / deals whose first entry "
        "into the stage lies in the period; the stages and their order are those of the params; a deal "
        "that is not in the data is never won",
        dims=("stage",),
        needs=("stage_history", "opportunities"),
        cohort=True,
        source="interval: Wilson 1927",
    ),
    Kpi(
        "sales_growth_mom",
        "growth",
        "Monthly sales growth",
        RATIO,
        "(revenue of the month - revenue of the month before) / revenue of the month before",
        grains=("month",),
        headline=7,
    ),
    Kpi(
        "sales_growth_mtd",
        "growth",
        "Sales growth of the running month",
        RATIO,
        "(revenue of the running month so far - revenue of the month before up to and including its k-th "
        "selling day) / the latter, where k is how many selling days of the running month are over; weekends "
        "count with the days they lie among; a month before of fewer than k selling days counts whole; a "
        "month that is over has no value",
        grains=("month",),
    ),
    Kpi(
        "sales_growth_yoy",
        "growth",
        "Sales growth on the year before",
        RATIO,
        "(revenue of the period - revenue of the same period a year before) / revenue of that period",
    ),
    Kpi(
        "cmgr_6m",
        "growth",
        "Compound monthly growth, six months",
        RATIO,
        "(revenue of the month / revenue six months before) ^ (1/6) - 1, complete months only",
        grains=("month",),
    ),
    Kpi(
        "growth_effect",
        "growth",
        "What changed revenue",
        MONEY,
        "revenue of the period - revenue of the period before, split exactly: customers who bought in this "
        "period only (new) or in the one before only (lost); of those who bought in both, what the number of "
        "deals or orders (volume) and their average amount (price) made of it; and the rest, rows that name "
        "no customer and refunds of customers who bought in neither",
        "none",
        ("driver",),
        source="volume and price: Shapley 1953",
    ),
    Kpi(
        "gross_margin_rate",
        "growth",
        "Gross margin",
        RATIO,
        "(amount - cost) / amount, over orders of the period with a cost; else the margin stated in the "
        "params",
    ),
    # customers
    Kpi(
        "customers_opening",
        "customers",
        "Customers at opening",
        COUNT,
        "customers active on the day before the period",
        "none",
        ("segment",),
    ),
    Kpi(
        "customers_new",
        "customers",
        "New customers",
        COUNT,
        "active on the closing day, not at opening, never active before the period",
        dims=("segment",),
    ),
    Kpi(
        "customers_reactivated",
        "customers",
        "Customers won back",
        COUNT,
        "active on the closing day, not at opening, but active some time before",
        dims=("segment",),
    ),
    Kpi(
        "customers_churned",
        "customers",
        "Customers lost",
        COUNT,
        "active at opening, not on the closing day",
        "down",
        ("segment",),
    ),
    Kpi(
        "customers_closing",
        "customers",
        "Customers at closing",
        COUNT,
        "customers active on the last day of the period, or on the report's day if that comes first",
        dims=("segment",),
    ),
    Kpi(
        "customers_flash",
        "customers",
        "Customers who came and went",
        COUNT,
        "first active and gone again inside the period, so in neither the opening nor the closing count",
        "down",
    ),
    Kpi(
        "churn_rate",
        "customers",
        "Customer churn",
        RATIO,
        "customers active at opening and not on the closing day / customers active at opening",
        "down",
        ("segment", "channel", "rep"),
        headline=9,
        source="interval: Wilson 1927",
    ),
    Kpi(
        "retention_rate",
        "customers",
        "Customer retention",
        RATIO,
        "1 - customer churn",
        dims=("segment", "channel", "rep"),
        headline=9,
    ),
    Kpi(
        "mrr_opening",
        "customers",
        "MRR at opening",
        MONEY,
        "monthly recurring revenue active on the day before the period",
        "none",
        ("segment",),
        ("subscriptions",),
    ),
    Kpi(
        "mrr_new",
        "customers",
        "New MRR",
        MONEY,
        "closing MRR of customers never active before",
        dims=("segment",),
        needs=("subscriptions",),
    ),
    Kpi(
        "mrr_reactivated",
        "customers",
        "MRR won back",
        MONEY,
        "closing MRR of customers not active at opening but active before",
        dims=("segment",),
        needs=("subscriptions",),
    ),
    Kpi(
        "mrr_expansion",
        "customers",
        "MRR expansion",
        MONEY,
        "MRR gained from customers who pay more at closing than at opening",
        dims=("segment",),
        needs=("subscriptions",),
    ),
    Kpi(
        "mrr_contraction",
        "customers",
        "MRR contraction",
        MONEY,
        "MRR lost from customers who pay less at closing than at opening, but still pay",
        "down",
        ("segment",),
        ("subscriptions",),
    ),
    Kpi(
        "mrr_churned",
        "customers",
        "MRR churned",
        MONEY,
        "opening MRR of customers no longer active at closing",
        "down",
        ("segment",),
        ("subscriptions",),
    ),
    Kpi(
        "mrr_closing",
        "customers",
        "MRR at closing",
        MONEY,
        "monthly recurring revenue active on the closing day",
        dims=("segment",),
        needs=("subscriptions",),
    ),
    Kpi(
        "nrr",
        "customers",
        "Net revenue retention",
        RATIO,
        "closing MRR of the customers active at opening / their opening MRR",
        dims=("segment",),
        needs=("subscriptions",),
    ),
    Kpi(
        "grr",
        "customers",
        "Gross revenue retention",
        RATIO,
        "sum over opening customers of the smaller of closing and opening MRR / their opening MRR",
        dims=("segment",),
        needs=("subscriptions",),
    ),
    Kpi(
        "revenue_churn_rate",
        "customers",
        "Revenue churn",
        RATIO,
        "1 - gross revenue retention",
        "down",
        ("segment",),
        ("subscriptions",),
    ),
    Kpi(
        "quick_ratio",
        "customers",
        "Quick ratio",
        RATIO,
        "(new + won back + expansion MRR) / (contraction + churned MRR)",
        needs=("subscriptions",),
    ),
    Kpi(
        "cohort_retention",
        "customers",
        "Cohort retention",
        RATIO,
        "share of the customers acquired in a month who are active on the last day of the k-th month "
        "after it "
        "(subscriptions), or who order in that month (orders)",
        dims=("age_months",),
        grains=("month",),
        cohort=True,
    ),
    Kpi(
        "arpa",
        "customers",
        "Revenue per account",
        MONEY,
        "closing MRR / closing customers; with orders: revenue of the period / closing customers",
        dims=("segment",),
    ),
    Kpi(
        "clv",
        "customers",
        "Customer lifetime value",
        MONEY,
        "revenue per account x gross margin / mean churn of the last six complete months; the margin is the "
        "one stated in the params for MRR and deals, and that of the orders with a cost for orders",
        dims=("segment",),
        grains=("month",),
        headline=8,
    ),
    Kpi(
        "clv_historic",
        "customers",
        "Customer value so far",
        MONEY,
        "margin so far of the customers acquired by the closing day / those customers; margin is amount - "
        "cost of the orders with a cost, else the amount x the gross margin stated in the params (for "
        "orders, failing that, the margin of all orders with a cost)",
        dims=("segment", "channel"),
        needs=("customers",),
    ),
    Kpi(
        "clv_model",
        "customers",
        "Expected customer value",
        MONEY,
        "margin that the customers alive to the model are expected to bring within the lifetime horizon of "
        "the params, discounted / those customers: under contract on the report's day where churn is that of "
        "subscriptions, else all who ever ordered; in the periods that hold the report's day, and only where "
        "the models were asked",
        dims=("segment", "channel"),
        modelled=True,
        source="Fader and Hardie 2013; Singer and Willett 1993",
    ),
    Kpi(
        "acquisition_cost",
        "customers",
        "Acquisition cost",
        MONEY,
        "all acquisition costs of the period; those without a channel are the row (unassigned)",
        "none",
        ("channel", "category"),
        ("costs",),
    ),
    Kpi(
        "cac",
        "customers",
        "Customer acquisition cost",
        MONEY,
        "all acquisition costs of the period / customers acquired in it",
        "down",
        ("channel", "motion"),
        ("costs", "customers"),
        headline=10,
    ),
    Kpi(
        "cac_advertising",
        "customers",
        "Advertising cost per new customer",
        MONEY,
        "advertising costs of the period / customers acquired in it",
        "down",
        ("channel",),
        ("costs", "customers"),
    ),
    Kpi(
        "cac_lagged",
        "customers",
        "Customer acquisition cost, spend moved to its customers",
        MONEY,
        "sum over l of the costs l months before x the share of the customers acquired in the last 12 months "
        "who had become leads l months before they were won / customers acquired in the month",
        "down",
        ("channel",),
        ("costs", "customers", "leads"),
        ("month",),
    ),
    Kpi(
        "ltv_cac",
        "customers",
        "Lifetime value to acquisition cost",
        RATIO,
        "customer lifetime value / customer acquisition cost",
        grains=("month",),
        needs=("costs", "customers"),
    ),
    Kpi(
        "cac_payback_months",
        "customers",
        "Months to earn back the acquisition cost",
        MONTHS,
        "customer acquisition cost / (revenue per account x gross margin)",
        "down",
        grains=("month",),
        needs=("costs", "customers"),
    ),
    # goals and the team's review
    Kpi(
        "tasks_completed",
        "goals",
        "Tasks completed",
        COUNT,
        "tasks completed in the period; of the days and weeks the last 13 are shown",
        dims=("rep",),
        needs=("tasks.completed_at",),
        grains=REVIEW_GRAINS,
    ),
    Kpi(
        "tasks_worked_on",
        "goals",
        "Tasks worked on",
        COUNT,
        "different tasks on which anybody recorded an activity in the period; one on which two people did "
        "counts once for each of them and once for the company",
        dims=("rep",),
        needs=("activities.task_id",),
        grains=REVIEW_GRAINS,
    ),
    Kpi(
        "points",
        "goals",
        "Points",
        COUNT,
        "sum of the points of the tasks completed in the period; a task without points adds none",
        dims=("rep",),
        needs=("tasks.points", "tasks.completed_at"),
        grains=REVIEW_GRAINS,
    ),
    Kpi(
        "tasks_overdue",
        "goals",
        "Tasks overdue",
        COUNT,
        "tasks due before the closing day (the period's last day, or the report's when that comes first) and "
        "at its end neither completed nor cancelled",
        "down",
        ("rep",),
        ("tasks.due_on", "tasks.completed_at"),
        grains=REVIEW_GRAINS,
    ),
    Kpi(
        "notifications_uncleared",
        "goals",
        "Notifications not cleared",
        COUNT,
        "notifications created by the closing day and at its end not cleared",
        "down",
        ("rep",),
        ("notifications.cleared_at",),
        grains=REVIEW_GRAINS,
    ),
    Kpi(
        "goal_progress",
        "goals",
        "Goal progress",
        RATIO,
        "mean of the progress of the goal's targets, by their weights, each counted as at least 0 and at "
        "most 1; a target without a value takes no part; as known on the report's day, in the month that "
        "holds it",
        dims=("goal",),
        grains=("month",),
    ),
    Kpi(
        "target_progress",
        "goals",
        "Target progress",
        RATIO,
        "(current - start) / (end - start), so the way may go down; something to be done is 0 or 1, and "
        "tasks are done / (all - cancelled); as known on the report's day, in the month that holds it",
        dims=("goal",),
        grains=("month",),
    ),
]

KPIS: dict[str, Kpi] = {kpi.id: kpi for kpi in _ALL}


def unit_of(kpi: Kpi, currency: str) -> str:
    """The unit as the KPI table writes it: money becomes the company's currency code."""
    return currency if kpi.unit == MONEY else kpi.unit


FAMILIES = {
    "team": "Team performance",
    "leads": "Leads",
    "growth": "Growth",
    "customers": "Customers",
    "goals": "Goals and the team's review",
}
WAYS = {"up": "more is better", "down": "less is better", "none": "neither more nor less is better in itself"}


def as_markdown() -> str:
    """The glossary as the page `docs/kpis.md`."""
    lines = [
        "# The KPIs",
        "",
        "One name, one definition, one rule for zero. Made from `src/analysis/glossary.py` by `make docs`.",
        "",
        "A ratio is a ratio of sums, never a mean of ratios, and without a denominator it has no value:",
        "never 0, never infinite. A period is [start, end) in whole days of the company's time zone.",
        "Every value has a status:",
        "",
        *(f"- `{status}`: {meaning}" for status, meaning in STATUSES.items()),
        "",
        "and a value that is not there has a reason:",
        "",
        *(f"- `{reason}`: {meaning}" for reason, meaning in REASONS.items()),
        "",
    ]
    for family, title in FAMILIES.items():
        lines += [f"## {title}", ""]
        for kpi in (k for k in KPIS.values() if k.family == family):
            mark = f" **[{kpi.headline}]**" if kpi.headline else ""
            breakdowns = ", ".join(kpi.dims) or "company only"
            lines += [f"**{kpi.name}** `{kpi.id}`{mark}: {kpi.formula}."]
            lines += [
                f"In {kpi.unit}, by {', '.join(kpi.grains)}; breakdowns: {breakdowns}; {WAYS[kpi.direction]}."
            ]
            lines += [f"Needs {', '.join(f'`{need}`' for need in kpi.needs)}."] if kpi.needs else []
            lines += (
                [f"Provisional until {kpi.settle_days} days after the period."] if kpi.settle_days else []
            )
            lines += [f"Few cases: fewer than {kpi.least_n}."] if kpi.least_n else []
            lines += ["A cohort: provisional until it is `maturity_days` old."] if kpi.cohort else []
            lines += [f"Source: {kpi.source}."] if kpi.source else []
            lines += [""]
    return "\n".join(lines)
