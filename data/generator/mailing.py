"""E-mail campaigns with variants, bounces, machine opens, clicks and unsubscribes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from .common import awake, text


@dataclass(frozen=True)
class Campaign:
    """One mailing: `rates` is the chance that a person opens it, by variant."""

    campaign_id: str
    day: str
    subjects: Mapping[str, str]
    rates: Mapping[str, float]
    size: int


def messages(
    rng: np.random.Generator,
    campaigns: Sequence[Campaign],
    recipients: Sequence[str],
    senders: Sequence[str],
    end: pd.Timestamp,
    machine: float,
) -> pd.DataFrame:
    """One row per message; nothing happens after `end`; `machine` is the share opened by a machine."""
    rows = []
    for campaign in campaigns:
        names = sorted(campaign.rates)
        people = rng.choice(len(recipients), size=min(campaign.size, len(recipients)), replace=False)
        for place, person in enumerate(people):
            variant = names[place % len(names)]
            start = pd.Timestamp(campaign.day) + pd.Timedelta(hours=9) + pd.Timedelta(seconds=20 * place)
            row = one_message(rng, start, campaign.rates[variant], machine)
            row |= {
                "campaign_id": campaign.campaign_id,
                "subject": campaign.subjects[variant],
                "variant": variant if len(names) > 1 else "",
                "recipient": recipients[person],
                "rep_id": senders[person % len(senders)] if senders else "",
            }
            rows.append(row)
    frame = pd.DataFrame(rows)
    for column in ("opened_at", "clicked_at", "unsubscribed_at"):
        frame.loc[frame[column] > end, column] = pd.NaT
        frame[column] = text(frame[column])
    frame["sent_at"] = text(frame["sent_at"])
    frame.insert(0, "email_id", [f"M{i:05d}" for i in range(1, len(frame) + 1)])
    return frame


def one_message(
    rng: np.random.Generator, sent: pd.Timestamp, open_rate: float, machine: float
) -> dict[str, object]:
    """What becomes of one message: bounced, opened by a machine, by a person, clicked, unsubscribed."""
    chance = rng.random(5)
    waits = rng.lognormal((1.2, -2.0, 1.0), (1.4, 0.8, 1.0))
    row: dict[str, object] = {
        "sent_at": sent,
        "bounced": "false",
        "machine_open": "false",
        "opened_at": pd.NaT,
        "clicked_at": pd.NaT,
        "unsubscribed_at": pd.NaT,
    }
    if chance[0] < 0.025:
        return row | {"bounced": "true"}
    by_machine, by_person = chance[1] < machine, chance[2] < open_rate
    if by_machine:
        row |= {"machine_open": "true", "opened_at": sent + pd.Timedelta(seconds=int(rng.integers(2, 50)))}
    elif by_person:
        row |= {"opened_at": awake(sent + pd.Timedelta(seconds=int(waits[0] * 3600) + 60))}
    if by_person and chance[3] < 0.18:
        opened = max(pd.Timestamp(row["opened_at"]), sent + pd.Timedelta(seconds=90))
        row |= {"clicked_at": awake(opened + pd.Timedelta(seconds=int(waits[1] * 600) + 5))}
    if by_person and chance[4] < 0.015:
        opened = pd.Timestamp(row["opened_at"])
        row |= {"unsubscribed_at": awake(opened + pd.Timedelta(seconds=int(waits[2] * 60) + 30))}
    return row


def mailing_totals(rows: pd.DataFrame) -> dict[str, int]:
    """Messages delivered, opened by anybody, opened by a machine, clicked."""
    delivered = rows[rows["bounced"].ne("true")]
    found = {"delivered": len(delivered)}
    for column in ("opened_at", "clicked_at", "unsubscribed_at"):
        found[column.removesuffix("_at")] = int(delivered[column].ne("").sum())
    if "machine_open" in delivered:
        found["machine_open"] = int(delivered["machine_open"].eq("true").sum())
    return found
