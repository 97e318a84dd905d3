"""The KPIs on unfinished durations a second time: for every time of an event, count who was still there."""

from datetime import date, datetime, time, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reference import Reference

DAY = timedelta(days=1)
DAYS = (30, 60, 90, 180)


def day_of(value):
    return value.date() if isinstance(value, datetime) else value


def between(start, end) -> timedelta:
    """Exact between instants, else whole days."""
    if isinstance(start, datetime) and isinstance(end, datetime):
        return end - start
    return day_of(end) - day_of(start)


def until_now(ref: "Reference", start) -> timedelta:
    """From the start to the midnight after the report's day."""
    tomorrow = ref.as_of + DAY
    return between(start, datetime.combine(tomorrow, time()))


def incidence(subjects, cause, limit=None):
    """P(ended by the limit for one of the causes) and P(not ended by the end), exactly.

    `subjects` are pairs of how long and of which cause it ended, 0 for not yet.
    """
    left, found = Fraction(1), Fraction(0)
    for when in sorted({t for t, c in subjects if c}):
        at_risk = sum(t >= when for t, _ in subjects)
        ended = sum(t == when and c > 0 for t, c in subjects)
        of_cause = sum(t == when and c in cause for t, c in subjects)
        if limit is None or when <= limit:
            found += left * Fraction(of_cause, at_risk)
        left *= 1 - Fraction(ended, at_risk)
    return found, left


def median(subjects):
    """The first time by which half have ended, whatever the cause; None when that is not reached."""
    for when in sorted({t for t, c in subjects if c}):
        if incidence(subjects, (1, 2), when)[0] >= Fraction(1, 2):
            return when
    return None


def by_day(ref: "Reference", kpi, grain, start, subjects):
    for day in DAYS:
        value = None
        limit = timedelta(days=day)
        if subjects:
            share, nobody = incidence(subjects, (1,), limit)
            followed = max(t for t, _ in subjects) >= limit or nobody == 0
            value = float(share) if followed else None
        ref.put(kpi, grain, start, "day", str(day), value)


def in_period(value, start: date, end: date) -> bool:
    return start <= day_of(value) < end


def closing(ref: "Reference") -> None:
    """`close_days_km`, `won_by_day`."""
    known = []
    for deal in ref.t.get("opportunities", []):
        start = deal["first_contact_at"] or deal["created_at"]
        if start is None or (deal["outcome"] != "open" and deal["closed_at"] is None):
            continue
        ends = deal["outcome"] != "open"
        lasted = between(start, deal["closed_at"]) if ends else until_now(ref, start)
        if lasted >= timedelta(0):
            known.append((start, (lasted, {"open": 0, "won": 1, "lost": 2}[deal["outcome"]])))
    for grain, start, end in ref.periods() if "opportunities" in ref.t else ():
        cohort = [subject for begun, subject in known if in_period(begun, start, end)]
        middle = median(cohort)
        ref.put("close_days_km", grain, start, "", "", None if middle is None else middle / DAY)
        by_day(ref, "won_by_day", grain, start, cohort)


def first_responses(ref: "Reference") -> None:
    """`first_response_hours`, `contacted_24h_rate`."""
    rows = []
    for lead in ref.t.get("leads", []):
        contact = lead["first_contact_at"]
        waited = between(lead["created_at"], contact) if contact else until_now(ref, lead["created_at"])
        if waited >= timedelta(0):
            names = {"rep": lead["rep_id"] or "(unassigned)", "channel": lead["channel"] or "(unassigned)"}
            old = until_now(ref, lead["created_at"]) >= DAY
            rows.append({**lead, **names, "subject": (waited, int(contact is not None)), "old": old})

    def hours(chosen):
        middle = median([r["subject"] for r in chosen])
        return None if middle is None else middle / timedelta(hours=1)

    def soon(chosen):
        old = [r["subject"] for r in chosen if r["old"]]
        return sum(c == 1 and t <= DAY for t, c in old) / len(old) if old else None

    for grain, start, end in ref.periods() if "leads" in ref.t else ():
        created = [r for r in rows if in_period(r["created_at"], start, end)]
        ref.over("first_response_hours", created, grain, start, ("rep", "channel"), hours)
        ref.over("contacted_24h_rate", created, grain, start, ("rep", "channel"), soon)


def converting(ref: "Reference") -> None:
    """`converted_by_day`."""
    if "leads" not in ref.t or "opportunities" not in ref.t:
        return
    known = []
    for lead in ref.t["leads"]:
        wins = [
            deal["closed_at"]
            for deal in ref.t["opportunities"]
            if deal["outcome"] == "won"
            and (deal["lead_id"] == lead["lead_id"] or deal["opportunity_id"] == lead["opportunity_id"])
        ]
        lasted = between(lead["created_at"], min(wins)) if wins else until_now(ref, lead["created_at"])
        if lasted >= timedelta(0):
            known.append((lead["created_at"], (lasted, int(bool(wins)))))
    for grain, start, end in ref.periods():
        by_day(
            ref, "converted_by_day", grain, start, [s for begun, s in known if in_period(begun, start, end)]
        )
