"""Leads: what e-mail campaigns reach, what comes in (leads, opportunities, pipeline), and what waits."""

import numpy as np
import pandas as pd

from analysis.company import Company
from analysis.durations import first_responses
from analysis.errors import MissingTable
from analysis.facts import Facts, labelled, month_of, sorted_frame, total
from analysis.glossary import GRAINS, UNASSIGNED
from analysis.periods import Calendar
from analysis.pipeline import WORK, lead_work, open_deals, roll_up_closings, unworked_leads
from analysis.rows import missing_rows, ratio_rows, roll_up, rows, sum_rows
from analysis.stats import newcombe, ratio

MAIL_DIMS = ("campaign", "variant", "rep")
LEAD_DIMS = ("rep", "team", "channel", "motion")

MAIL_RATIOS = {
    "open_rate": ("opened", "delivered"),
    "open_rate_adjusted": ("opened_by_people", "delivered_to_people"),
    "click_rate": ("clicked", "delivered"),
    "click_to_open_rate": ("clicked", "opened"),
    "bounce_rate": ("bounced", "sent"),
    "unsubscribe_rate": ("unsubscribed", "delivered"),
}


def table(facts: Facts) -> pd.DataFrame:
    """All rows of the family."""
    parts = [emails(facts), new_leads(facts), new_opportunities(facts), first_responses(facts)]
    parts += [open_pipeline(facts), unworked(facts)]
    return pd.concat(parts, ignore_index=True)


def mail_facts(facts: Facts) -> pd.DataFrame:
    """E-mails by month sent and campaign, variant, rep: sent, delivered, and what became of the delivered."""
    mails = facts.company.table("emails")
    delivered = ~mails.bounced.fill_null(False)
    opened = delivered & mails.opened_at.notnull()
    by_machine = opened & mails.machine_open.fill_null(False)
    clicked = delivered & mails.clicked_at.notnull()
    counts = mails.group_by(
        month=month_of(mails.sent_at),
        campaign=labelled(mails.campaign_id),
        variant=labelled(mails.variant),
        rep=labelled(mails.rep_id),
    ).agg(
        sent=mails.count(),
        delivered=mails.count(where=delivered),
        opened=mails.count(where=opened),
        by_machine=mails.count(where=by_machine),
        clicked=mails.count(where=clicked),
        unsubscribed=mails.count(where=delivered & mails.unsubscribed_at.notnull()),
    )
    frame = sorted_frame(counts)
    return frame.assign(
        bounced=frame["sent"] - frame["delivered"],
        opened_by_people=frame["opened"] - frame["by_machine"],
        delivered_to_people=frame["delivered"] - frame["by_machine"],
    )


def emails(facts: Facts) -> pd.DataFrame:
    """`emails_delivered`, what readers did and `open_rate_lift`, over e-mails sent in the period."""
    lacks = {kpi: facts.lack(kpi) for kpi in ("emails_delivered", *MAIL_RATIOS, "open_rate_lift")}
    parts = [missing_rows([kpi], lack, facts.calendar) for kpi, lack in lacks.items() if lack]
    if not lacks["emails_delivered"]:
        measures = ["sent", "delivered", "opened", "clicked", "unsubscribed", "bounced"]
        measures += ["opened_by_people", "delivered_to_people"]
        mails = mail_facts(facts)
        rolled = roll_up(mails, measures, MAIL_DIMS, facts.calendar)
        parts.append(sum_rows("emails_delivered", rolled, "delivered", n="delivered"))
        parts += [
            ratio_rows(kpi, rolled, top, bottom, interval=True)
            for kpi, (top, bottom) in MAIL_RATIOS.items()
            if not lacks[kpi]
        ]
        if not lacks["open_rate_lift"]:
            parts.append(open_rate_lift(mails, facts.calendar))
    return pd.concat(parts, ignore_index=True)


def variants(mails: pd.DataFrame, calendar: Calendar) -> pd.DataFrame:
    """Open rates of each variant beside its campaign's first variant by name, in every period shown.

    One row per grain, first_month and variant of a campaign that sent at least two in the period: `member`,
    and `opened`, `delivered`, `opened_first`, `delivered_first`. E-mails without a campaign or variant are
    left out.
    """
    mails = mails[(mails["campaign"] != UNASSIGNED) & (mails["variant"] != UNASSIGNED)]
    counts = ["opened", "delivered"]
    parts = []
    for grain in GRAINS:
        period = calendar.of(mails["month"], grain).rename("first_month")
        sums = mails.groupby([period, "campaign", "variant"])[counts].sum().reset_index()
        parts.append(sums.assign(grain=grain))
    each = pd.concat(parts, ignore_index=True)  # in the order of the variants' names within a campaign
    first = each.groupby(["grain", "first_month", "campaign"])[counts].transform("first")
    position = each.groupby(["grain", "first_month", "campaign"]).cumcount()
    each = each.assign(member=each["campaign"] + ": " + each["variant"], dimension="variant")
    return each.join(first.add_suffix("_first"))[position > 0].reset_index(drop=True)


def open_rate_lift(mails: pd.DataFrame, calendar: Calendar) -> pd.DataFrame:
    """`open_rate_lift`: open rate of a campaign's variant minus that of its first, with Newcombe's interval.

    n is the smaller of the two delivered counts. A period without a campaign of two variants has the
    company's row, undefined (none_eligible).
    """
    found = variants(mails, calendar)
    sides = [found[name] for name in ("opened", "delivered", "opened_first", "delivered_first")]
    low, high = newcombe(*sides)
    lift = ratio(*sides[:2]) - ratio(*sides[2:])
    n = found[["delivered", "delivered_first"]].min(axis=1)
    grid = calendar.table()[["grain", "first_month"]]
    empty = grid.merge(found[["grain", "first_month"]].drop_duplicates(), how="left", indicator=True)
    empty = empty[empty["_merge"] == "left_only"].assign(dimension="", member="")
    return pd.concat(
        [
            rows("open_rate_lift", empty, np.nan, reason="none_eligible"),
            rows("open_rate_lift", found, lift, n=n, low=low, high=high),
        ],
        ignore_index=True,
    )


def lead_facts(facts: Facts) -> pd.DataFrame:
    """Leads by month created and rep, team, channel, motion."""
    leads = facts.company.table("leads")
    leads = leads.mutate(rep=leads.rep_id)
    leads = leads.left_join(facts.teams(), "rep").drop("rep_right")
    counts = leads.group_by(
        month=month_of(leads.created_at),
        rep=labelled(leads.rep),
        team=labelled(leads.team),
        channel=labelled(leads.channel),
    ).agg(leads=leads.count())
    frame = sorted_frame(counts)
    return frame.assign(motion=facts.motion(frame["channel"]))


def new_leads(facts: Facts) -> pd.DataFrame:
    """`new_leads` by the day they were created."""
    lack = facts.lack("new_leads")
    if lack:
        return missing_rows(["new_leads"], lack, facts.calendar)
    rolled = roll_up(lead_facts(facts), ["leads"], LEAD_DIMS, facts.calendar)
    return sum_rows("new_leads", rolled, "leads", n="leads")


def opportunity_facts(facts: Facts) -> pd.DataFrame:
    """Opportunities by month created and rep, team, channel, motion: credits, amounts, counts."""
    deals = facts.credits.filter(facts.credits.created_at.notnull())
    sums = deals.group_by(
        month=month_of(deals.created_at), rep=deals.rep, team=deals.team, channel=deals.channel
    ).agg(
        created=total(deals.share),
        amount=total(deals.amount_created * deals.share),
        n=deals.count(where=deals.n == 1),
        n_team=deals.count(where=deals.n_team == 1),
        n_rep=deals.count(),
    )
    frame = sorted_frame(sums)
    return frame.assign(motion=facts.motion(frame["channel"]))


def new_opportunities(facts: Facts) -> pd.DataFrame:
    """`new_opportunities` and `pipeline_created` by the day the deal was created."""
    kpis = {"new_opportunities": "created", "pipeline_created": "amount"}
    lacks = {kpi: facts.lack(kpi) for kpi in kpis}
    parts = [missing_rows([kpi], lack, facts.calendar) for kpi, lack in lacks.items() if lack]
    if not all(lacks.values()):
        rolled = roll_up(opportunity_facts(facts), ["created", "amount", "n"], LEAD_DIMS, facts.calendar)
        parts += [sum_rows(kpi, rolled, measure, n="n") for kpi, measure in kpis.items() if not lacks[kpi]]
    return pd.concat(parts, ignore_index=True)


def open_pipeline(facts: Facts) -> pd.DataFrame:
    """`open_pipeline`: amounts of the deals open on the closing day, by the stage they stood in then."""
    lack = facts.lack("open_pipeline")
    if not lack and not facts.has_start:
        lack = "missing_column"
    if lack:
        return missing_rows(["open_pipeline"], lack, facts.calendar)
    dims = ("rep", "team", "stage")
    rolled = roll_up_closings(open_deals(facts), ["amount", "n"], dims, facts.calendar)
    return sum_rows("open_pipeline", rolled, "amount", n="n")


def unworked(facts: Facts) -> pd.DataFrame:
    """`unworked_leads`: leads that on the closing day nobody had contacted or qualified."""
    lack = facts.lack("unworked_leads")
    if lack:
        return missing_rows(["unworked_leads"], lack, facts.calendar)
    rolled = roll_up_closings(unworked_leads(facts), ["leads"], ("rep",), facts.calendar)
    return sum_rows("unworked_leads", rolled, "leads", n="leads")


def waiting_leads(company: Company) -> pd.DataFrame:
    """The leads that nobody had contacted or qualified by the end of the report's day, oldest first.

    Parameters
    ----------
    company : an opened company

    Returns
    -------
    One row per lead of `unworked_leads` on that day: `lead_id`, `created_at` (the company's time),
    `days_waiting` (whole calendar days from that day to the report's), `channel` and `rep` (its id).

    Raises
    ------
    MissingTable
        There are no leads, or nothing says when one was contacted.
    """
    facts = Facts(company)
    if facts.lack("unworked_leads") == "missing_column":
        name = company.params.name
        raise MissingTable(f"The leads of {name} have no first_contact_at, so who still waits is not known.")
    leads = lead_work(facts)
    columns = ["lead_id", "created_at", "channel", "rep"]
    frame = leads.filter(*(leads[column].isnull() for column in WORK)).select(columns).to_pandas()
    frame = frame.sort_values(["created_at", "lead_id"], ignore_index=True)
    days = (pd.Timestamp(company.as_of) - frame["created_at"].dt.normalize()).dt.days
    frame.insert(2, "days_waiting", days)
    return frame
