"""Leads: what e-mail campaigns reach, and what comes in: leads, opportunities, pipeline."""

import pandas as pd

from analysis.facts import Facts, labelled, month_of, sorted_frame, total
from analysis.rows import missing_rows, ratio_rows, roll_up, sum_rows

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
    return pd.concat([emails(facts), new_leads(facts), new_opportunities(facts)], ignore_index=True)


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
        delivered=delivered.sum(),
        opened=opened.sum(),
        by_machine=by_machine.sum(),
        clicked=clicked.sum(),
        unsubscribed=(delivered & mails.unsubscribed_at.notnull()).sum(),
    )
    frame = sorted_frame(counts)
    return frame.assign(
        bounced=frame["sent"] - frame["delivered"],
        opened_by_people=frame["opened"] - frame["by_machine"],
        delivered_to_people=frame["delivered"] - frame["by_machine"],
    )


def emails(facts: Facts) -> pd.DataFrame:
    """`emails_delivered` and the rates of what readers did, over e-mails sent in the period."""
    lacks = {kpi: facts.lack(kpi) for kpi in ("emails_delivered", *MAIL_RATIOS)}
    parts = [missing_rows([kpi], lack, facts.calendar) for kpi, lack in lacks.items() if lack]
    if not lacks["emails_delivered"]:
        measures = ["sent", "delivered", "opened", "clicked", "unsubscribed", "bounced"]
        measures += ["opened_by_people", "delivered_to_people"]
        rolled = roll_up(mail_facts(facts), measures, MAIL_DIMS, facts.calendar)
        parts.append(sum_rows("emails_delivered", rolled, "delivered", n="delivered"))
        parts += [
            ratio_rows(kpi, rolled, top, bottom, interval=True)
            for kpi, (top, bottom) in MAIL_RATIOS.items()
            if not lacks[kpi]
        ]
    return pd.concat(parts, ignore_index=True)


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
        n=deals.n.sum(),
        n_team=deals.n_team.sum(),
        n_rep=deals.n_rep.sum(),
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
