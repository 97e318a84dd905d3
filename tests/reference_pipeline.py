"""Open pipeline, waiting leads, conversion between stages, open rates of variants: in plain loops."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reference import Reference

NONE = "(unassigned)"


def on(value) -> date | None:
    return value.date() if isinstance(value, datetime) else value


def by(value, day: date) -> bool:
    """Whether something has happened by the end of the day."""
    return value is not None and on(value) <= day


def moment(value) -> datetime:
    return value if isinstance(value, datetime) else datetime.combine(value, time())


def closing(end: date, as_of: date) -> date:
    return min(end - timedelta(days=1), as_of)


def place(ref: Reference, stage: str) -> int:
    stages = ref.p.get("stages", [])
    return stages.index(stage) if stage in stages else -1


def stage_on(ref: Reference, deal: dict, day: date) -> str:
    """The stage a deal stands in at the end of a day."""
    entries = [
        (moment(e["entered_at"]), place(ref, e["stage"]), e["stage"])
        for e in ref.t.get("stage_history", [])
        if e["opportunity_id"] == deal["opportunity_id"] and by(e["entered_at"], day)
    ]
    if entries:
        return max(entries)[-1]
    return (deal["stage"] or NONE) if day == ref.as_of else NONE


def open_pipeline(ref: Reference) -> None:
    """Amounts of the deals that exist on the closing day and are not closed by it."""
    for grain, start, end in ref.periods() if "opportunities" in ref.t else ():
        day = closing(end, ref.as_of)
        rows = []
        for deal in ref.t["opportunities"]:
            begun = deal["created_at"] or deal["first_contact_at"]
            gone = deal["outcome"] != "open" and by(deal["closed_at"], day)
            if by(begun, day) and not gone:
                stage = stage_on(ref, deal, day)
                rows += [{**credit, "stage": stage} for credit in ref.credits(deal)]
        ref.over(
            "open_pipeline",
            rows,
            grain,
            start,
            ("rep", "team", "stage"),
            lambda r: sum(c["share"] * (c["deal"]["amount_created"] or 0) for c in r),
        )


def unworked_leads(ref: Reference) -> None:
    """Leads that exist on the closing day and by then were not contacted and have no opportunity."""
    deals = ref.t.get("opportunities", [])
    for grain, start, end in ref.periods() if "leads" in ref.t else ():
        day = closing(end, ref.as_of)
        rows = []
        for lead in ref.t["leads"]:
            own = [
                d
                for d in deals
                if d["lead_id"] == lead["lead_id"] or d["opportunity_id"] == lead["opportunity_id"]
            ]
            made = [on(d["created_at"]) for d in own if d["created_at"]]
            linked = own or lead["opportunity_id"]
            at = (lead["qualified_at"] if linked else None) or min(made, default=None)
            qualified = by(at, day)
            if by(lead["created_at"], day) and not by(lead["first_contact_at"], day) and not qualified:
                rows.append({"rep": lead["rep_id"] or NONE})
        ref.over("unworked_leads", rows, grain, start, ("rep",), len)


def stage_conversion(ref: Reference) -> None:
    """Of the deals that first entered a stage in the period: those that saw a later one, or were won."""
    if "stage_history" not in ref.t or "opportunities" not in ref.t:
        return
    won = {d["opportunity_id"] for d in ref.t["opportunities"] if d["outcome"] == "won"}
    entered: dict[str, dict[str, date]] = {}
    for e in ref.t["stage_history"]:
        mine = entered.setdefault(e["opportunity_id"], {})
        mine[e["stage"]] = min(on(e["entered_at"]), mine.get(e["stage"], date.max))
    stages = ref.p.get("stages", [])
    for grain, start, end in ref.periods():
        if not stages:
            ref.put("stage_conversion", grain, start, "", "", None)
        for at, stage in enumerate(stages):
            here = [d for d, mine in entered.items() if stage in mine and start <= mine[stage] < end]
            on_ = [d for d in here if d in won or set(stages[at + 1 :]) & set(entered[d])]
            ref.put("stage_conversion", grain, start, "stage", stage, len(on_) / len(here) if here else None)


def open_rate_lift(ref: Reference) -> None:
    """Open rate of each variant of a campaign minus that of its first by name."""
    for grain, start, end in ref.periods() if "emails" in ref.t else ():
        sent: dict[str, dict[str, list[dict]]] = {}
        for mail in ref.t["emails"]:
            if start <= on(mail["sent_at"]) < end and mail["campaign_id"] and mail["variant"]:
                sent.setdefault(mail["campaign_id"], {}).setdefault(mail["variant"], []).append(mail)
        tested = {campaign: mails for campaign, mails in sent.items() if len(mails) > 1}
        if not tested:
            ref.put("open_rate_lift", grain, start, "", "", None)
        for campaign, mails in tested.items():
            first, *others = sorted(mails)
            for variant in others:
                rate, base = opened(mails[variant]), opened(mails[first])
                lift = None if rate is None or base is None else rate - base
                ref.put("open_rate_lift", grain, start, "variant", f"{campaign}: {variant}", lift)


def opened(mails: list[dict]) -> float | None:
    got = [m for m in mails if not m["bounced"]]
    return sum(m["opened_at"] is not None for m in got) / len(got) if got else None
