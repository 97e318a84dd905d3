"""Quernstone Forge's world: its calendar, its reps, and where its customers come from."""

from __future__ import annotations

import pandas as pd

FIRST, END = pd.Timestamp("2023-04-03"), pd.Timestamp("2026-03-31 23:59:59")
HOME, LONDON = "America/Chicago", "Europe/London"
SEASON = (0.9, 0.95, 1.3, 0.8, 0.95, 1.15, 0.75, 0.85, 1.15, 1.05, 1.0, 0.85)
#: rep: name, team, started, ended, win probability, median cycle in days, share of the deals
REPS = {
    "005A1": ("Wilhelmina Okafor-Strand", "Plains", "2018-05-07", "", 0.38, 55, 0.11),
    "005A2": ("Thaddeus Quillfeather", "Plains", "2021-02-15", "", 0.30, 84, 0.10),
    "005A3": ("Marisol Bentwood", "Plains", "2022-08-01", "", 0.45, 26, 0.12),
    "005A4": ("Ignatius Poole-Varga", "Lakes", "2019-10-14", "2025-06-30", 0.33, 60, 0.10),
    "005A5": ("Odalys Fennimore", "Lakes", "2020-01-06", "", 0.36, 58, 0.11),
    "005A6": ("Cormac Thistlewood", "Lakes", "2023-06-05", "", 0.28, 63, 0.10),
    "005A7": ("Beatrix Longacre", "Lakes", "2024-07-15", "", 0.41, 31, 0.09),
    "005A8": ("Alasdair Penhallow", "Atlantic", "2021-11-01", "", 0.34, 70, 0.10),
    "005A9": ("Nkechi Brackenridge", "Atlantic", "2022-03-21", "", 0.39, 49, 0.10),
    "005B1": ("Ulric Vandermeer-Soto", "Atlantic", "2024-01-08", "", 0.25, 66, 0.07),
}
SUCCESSOR = {"005A4": "005A5"}
SOURCES = {"distributor": 0.34, "trade_show": 0.18, "web": 0.26, "outreach": 0.22}


def on_duty(day: pd.Timestamp) -> dict[str, float]:
    """The reps at work on that day with their share of the deals."""
    return {
        rep: share
        for rep, (_, _, start, end, _, _, share) in REPS.items()
        if pd.Timestamp(start) <= day and (not end or day <= pd.Timestamp(end))
    }


def stamp(at: pd.Timestamp, zone: str) -> str:
    """Local time with its offset, such as 2025-03-10T09:15:00-05:00."""
    return at.tz_localize(zone).isoformat()
