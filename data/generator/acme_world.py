"""Acme Instruments: who sells, who buys, and the true parameters behind their numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

FIRST, END = pd.Timestamp("2024-01-01"), pd.Timestamp("2026-06-30 23:59:59")
GROWTH = 0.013
SEASON = (0.95, 1.0, 1.15, 1.0, 0.95, 0.9, 0.75, 0.7, 1.15, 1.2, 1.15, 0.8)
STAGES = ("prospect", "qualified", "proposal", "negotiation")


@dataclass(frozen=True)
class Rep:
    """A salesperson: win probability, median cycle in days, monthly churn hazard of the customers won."""

    rep_id: str
    name: str
    team: str
    manager_id: str
    started_on: str
    ended_on: str
    win: float
    cycle: float
    churn: float
    load: float


REPS = (
    Rep("R01", "Bożydar Ćwiertnia", "Mazowsze", "", "2019-03-01", "", 0.36, 46, 0.018, 0.8),
    Rep("R02", "Żywia Gżegżółka", "Mazowsze", "R01", "2020-06-15", "", 0.30, 74, 0.007, 1.0),
    Rep("R03", "Krzesimir Pędziwiatr", "Mazowsze", "R01", "2022-01-10", "", 0.44, 19, 0.055, 1.3),
    Rep("R04", "Halszka Wądołowa", "Mazowsze", "R01", "2021-09-01", "", 0.33, 48, 0.022, 1.0),
    Rep("R05", "Mścisław Łopuch", "Małopolska", "R06", "2021-02-01", "2025-09-30", 0.31, 52, 0.024, 1.0),
    Rep("R06", "Dobrosława Śnieżyńska", "Małopolska", "", "2018-11-05", "", 0.34, 71, 0.008, 0.8),
    Rep("R07", "Gniewko Szparag", "Małopolska", "R06", "2023-03-20", "", 0.42, 22, 0.050, 1.2),
    Rep("R08", "Jagna Trzcinowicz", "Małopolska", "R06", "2022-05-02", "", 0.29, 45, 0.020, 1.0),
    Rep("R09", "Radosz Kądziel", "Pomorze", "", "2019-08-19", "", 0.32, 68, 0.009, 0.9),
    Rep("R10", "Świętosława Brzezioł", "Pomorze", "R09", "2024-09-02", "", 0.27, 50, 0.021, 1.0),
    Rep("R11", "Wit Ogórkiewicz-Ząb", "Pomorze", "R09", "2022-10-03", "", 0.35, 43, 0.019, 1.0),
    Rep("R12", "Zbigniewa Oźminkowska", "Śląsk", "", "2020-01-07", "", 0.31, 66, 0.010, 0.9),
    Rep("R13", "Lubomir Chyży", "Śląsk", "R12", "2023-08-01", "", 0.43, 21, 0.048, 1.2),
    Rep("R14", "Miłka Niedźwiadek", "Śląsk", "R12", "2025-03-01", "", 0.26, 47, 0.023, 1.0),
)
BY_ID = {rep.rep_id: rep for rep in REPS}
SUCCESSOR = {"R05": "R08"}


@dataclass(frozen=True)
class Channel:
    """A lead source: share of leads, chance to qualify a contacted lead, factor on the win probability."""

    share: float
    qualify: float
    win: float


CHANNELS = {
    "search": Channel(0.28, 0.36, 1.00),
    "cold_call": Channel(0.24, 0.22, 0.70),
    "newsletter": Channel(0.16, 0.33, 0.95),
    "webinar": Channel(0.10, 0.44, 1.10),
    "trade_fair": Channel(0.10, 0.46, 1.10),
    "referral": Channel(0.08, 0.60, 1.35),
    "billboard": Channel(0.04, 0.24, 0.80),
}


@dataclass(frozen=True)
class Segment:
    """A size of customer: share, factors on win probability, cycle and churn, and odds of the three plans."""

    share: float
    win: float
    cycle: float
    churn: float
    plans: tuple[float, float, float]


SEGMENTS = {
    "small": Segment(0.55, 1.05, 0.85, 1.25, (0.75, 0.24, 0.01)),
    "mid": Segment(0.32, 1.00, 1.10, 0.90, (0.25, 0.65, 0.10)),
    "enterprise": Segment(0.13, 0.80, 1.60, 0.50, (0.02, 0.38, 0.60)),
}
PLANS = {"Start": 620.0, "Pro": 1850.0, "Enterprise": 6400.0}
EXPANSION, CONTRACTION, WIN_BACK, RENEWAL_WON = 0.018, 0.006, 0.18, 0.88

REGIONS = ("Mazowsze", "Małopolska", "Pomorze", "Śląsk", "Wielkopolska", "Dolny Śląsk", "Łódzkie")
INDUSTRIES = ("food", "pharma", "metal", "water", "energy", "laboratory", "chemicals")
HEADS = (
    "Kwie",
    "Szczy",
    "Ślimo",
    "Wędro",
    "Żubro",
    "Gwizdo",
    "Chrobo",
    "Pstro",
    "Łuko",
    "Dębno",
    "Brzo",
    "Ćmielo",
    "Jarzę",
    "Mżawo",
    "Trzeszo",
    "Źdźbło",
    "Sękato",
    "Niedźwie",
    "Krztu",
    "Ość",
)
TAILS = (
    "went",
    "dornix",
    "gral",
    "mirex",
    "stalek",
    "labor",
    "wodex",
    "terma",
    "pak",
    "zym",
    "chemik",
    "metr",
)
FORMS = ("sp. z o.o.", "S.A.", "sp.j.", "sp.k.", "")
PLAIN = str.maketrans("ąćęłńóśźżĄĆĘŁŃÓŚŹŻ", "acelnoszzACELNOSZZ")


def firm_names(rng: np.random.Generator) -> list[str]:
    """Every invented firm name, in random order."""
    bodies = [head + tail for head in HEADS for tail in TAILS]
    names = [f"{body} {place}".strip() for body in bodies for place in ("", "Zakłady", "Aparatura", "Serwis")]
    order = rng.permutation(len(names))
    return [f"{names[i]} {FORMS[int(rng.choice(5, p=(0.5, 0.15, 0.1, 0.1, 0.15)))]}".strip() for i in order]


def mail_address(name: str, box: str) -> str:
    """An address at a domain that can never exist (RFC 2606)."""
    slug = "".join(c for c in name.translate(PLAIN).lower() if c.isalnum() or c == " ").split()
    return f"{box}@{'-'.join(slug[:2])}.example"


def on_duty(rep: Rep, day: pd.Timestamp) -> bool:
    """Whether the rep works for the firm on that day."""
    return pd.Timestamp(rep.started_on) <= day and (not rep.ended_on or day <= pd.Timestamp(rep.ended_on))


def owner_today(rep_id: str) -> str:
    """Who looks after the rep's customers and open deals at the end of the data."""
    return SUCCESSOR.get(rep_id, rep_id)
