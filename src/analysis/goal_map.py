"""The goal map: from a goal of the company down to the KPIs that drive it, each with whether it is on track.

What drives what is one table, RELATIONS. Where it is `exact` the drivers make the KPI to the last digit in
the same period; elsewhere it rests on them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from analysis.company import Company
from analysis.glossary import KPIS, unit_of
from analysis.goal_measures import period_rows
from analysis.goals import standings
from analysis.texts import mark

COLUMNS = [
    "node", "parent", "depth", "kind", "name", "kpi", "grain", "value", "unit", "status", "reason",
    "period_start", "period_end", "before", "progress", "track", "judged_by", "formula", "exact",
]  # fmt: skip
LEVELS = 4  # below the top


@dataclass(frozen=True)
class Relation:
    """What drives a KPI, in the reader's words; `revenue_from` and `churn` say for which companies, if not
    all.
    """

    kpi: str
    drivers: tuple[str, ...]
    formula: str
    exact: bool = True
    revenue_from: str = ""
    churn: str = ""


RELATIONS = (
    Relation(
        "revenue",
        ("won_deals", "deal_size"),
        mark("deals won × deal size"),
        revenue_from="opportunities",
    ),
    Relation(
        "revenue",
        ("customers_closing", "arpa"),
        mark("customers at closing × revenue per account"),
        revenue_from="orders",
        churn="orders",
    ),
    Relation(
        "revenue",
        ("new_accounts", "customers_closing"),
        mark("rests on new accounts and on the customers who stay"),
        False,
        revenue_from="orders",
    ),
    Relation(
        "won_deals",
        ("new_accounts", "new_opportunities", "win_rate", "cycle_days"),
        mark("rests on new accounts, on new opportunities × win rate, and on how long they take"),
        False,
    ),
    Relation(
        "new_opportunities",
        ("new_leads", "lead_opportunity_ratio"),
        mark("rests on new leads × the share of them that becomes an opportunity"),
        False,
    ),
    Relation(
        "lead_opportunity_ratio",
        ("contacted_24h_rate", "unworked_leads"),
        mark("rests on how soon leads are answered"),
        False,
    ),
    Relation("new_accounts", ("acquisition_cost", "cac"), mark("acquisition cost / cost per new customer")),
    Relation("units", ("won_deals",), mark("rests on the deals won"), False),
    Relation("sales_per_rep", ("revenue",), mark("rests on revenue"), False),
    Relation(
        "attainment_revenue", ("revenue", "target_revenue"), mark("revenue / the target set for the period")
    ),
    Relation(
        "open_pipeline", ("pipeline_created", "win_rate"), mark("rests on what is added and closed"), False
    ),
    Relation(
        "customers_closing",
        ("customers_opening", "customers_new", "customers_reactivated", "customers_churned"),
        mark("opening + new + won back − lost"),
    ),
    Relation("customers_new", ("new_accounts",), mark("rests on new accounts"), False),
    Relation("customers_churned", ("customers_opening", "churn_rate"), mark("opening × churn")),
    Relation("churn_rate", ("customers_churned", "customers_opening"), mark("lost / opening")),
    Relation("retention_rate", ("churn_rate",), mark("1 − churn")),
    Relation(
        "mrr_closing",
        ("mrr_opening", "mrr_new", "mrr_reactivated", "mrr_expansion", "mrr_contraction", "mrr_churned"),
        mark("opening + new + won back + expansion − contraction − churned"),
    ),
    Relation(
        "nrr", ("grr", "mrr_expansion", "mrr_opening"), mark("gross revenue retention + expansion / opening")
    ),
    Relation(
        "grr",
        ("mrr_contraction", "mrr_churned", "mrr_opening"),
        mark("1 − (contraction + churned) / opening"),
    ),
    Relation(
        "arpa",
        ("mrr_closing", "customers_closing"),
        mark("closing MRR / closing customers"),
        churn="subscriptions",
    ),
    Relation("arpa", ("revenue", "customers_closing"), mark("revenue / closing customers"), churn="orders"),
    Relation(
        "clv",
        ("arpa", "gross_margin_rate", "churn_rate"),
        mark("rests on revenue per account × margin / churn"),
        False,
    ),
    Relation("cac", ("acquisition_cost", "new_accounts"), mark("acquisition cost / new accounts")),
    Relation("ltv_cac", ("clv", "cac"), mark("lifetime value / acquisition cost of a customer")),
    Relation(
        "cac_payback_months",
        ("cac", "arpa", "gross_margin_rate"),
        mark("acquisition cost of a customer / (revenue per account × margin)"),
    ),
    Relation("contacted_24h_rate", ("first_response_hours",), mark("rests on the hours to an answer"), False),
)


def relation_of(kpi: str, client: Company) -> Relation | None:
    """What drives the KPI at this company: the first relation that holds there."""
    params = client.params
    for relation in RELATIONS:
        fits = relation.revenue_from in ("", params.revenue_from)
        if relation.kpi == kpi and fits and relation.churn in ("", params.churn.basis):
            return relation
    return None


def goal_map(client: Company, kpis: pd.DataFrame, goal: str = "", grain: str = "quarter") -> pd.DataFrame:
    """A goal, its targets, and below each KPI what drives it, as rows from the top down.

    Parameters
    ----------
    client : an opened company
    kpis : its KPI table, all families
    goal : the goal's name; without one the first that is measured by the company's revenue, else the first
        with a target by a KPI; of a company without such goals the map begins with revenue
    grain : the periods shown; a KPI that does not have it is shown by its longest

    Returns
    -------
    One row per node, a parent before its children: `node`, `parent` (-1 at the top), `depth`; `kind` is goal,
    target (what is not measured by a KPI of the company) or kpi; `name` of a goal or target, else `kpi`.
    A KPI's `value` is that of its last complete, settled period, `before` the one of the period before that;
    undefined ones have a `reason`. `track` is a goal's pace (done, ahead, on track, behind) where a goal has
    the KPI as a target; else done or behind by the target set for that period; else better, worse, unchanged,
    higher, lower or unclear (the intervals overlap) against the period before; else undefined. `judged_by`
    says by which: goal, target or before. `formula` is how the nodes below make it, `exact` or not.

    Raises
    ------
    KeyError
        There is no goal of this name.
    """
    found = standings(client, kpis)
    top = goal or _first(found)
    if top and not (found["goal"] == top).any():
        raise KeyError(top)
    rows = list(_from_goal(found, top, client, kpis, grain) if top else ())
    if not rows:
        rows = list(_below("revenue", -1, 0, 0, client, kpis, found, grain, {"revenue"}))
    return pd.DataFrame(rows).reindex(columns=COLUMNS)


def _first(found: pd.DataFrame) -> str:
    """The goal that the map begins with, where none is named."""
    measured = found[(found["type"] == "kpi") & (found["dimension"] == "")]
    by_revenue = measured[measured["kpi"] == "revenue"]
    return str(next(iter([*by_revenue["goal"], *measured["goal"]]), ""))


def _from_goal(
    found: pd.DataFrame, goal: str, client: Company, kpis: pd.DataFrame, grain: str
) -> Iterator[dict]:
    """The rows of a goal, its targets, and what is below them."""
    own = found[found["goal"] == goal]
    whole = own.iloc[0]
    yield _node(0, -1, 0, "goal", goal) | _judged(whole, "goal") | {
        "value": whole["progress"], "unit": "ratio", "reason": whole["reason"],
    }  # fmt: skip
    there = {row.kpi for row in own.itertuples() if row.type == "kpi" and not row.dimension}
    number = 1
    for row in own.iloc[1:].itertuples():
        if row.type == "kpi" and not row.dimension:
            own_value = pd.Series(row._asdict())
            below = list(_below(row.kpi, 0, number, 1, client, kpis, found, grain, there))
            twice = ((own["kpi"] == row.kpi) & (own["dimension"] == "")).sum() > 1
            below[0] |= {"name": row.target if twice else ""} | _of_target(own_value)
        else:
            node = _node(number, 0, 1, "target", row.target) | _judged(pd.Series(row._asdict()), "goal")
            shown = {name: getattr(row, name) for name in ("unit", "reason", "kpi", "grain")}
            spans = {"period_start": row.period_start, "period_end": row.period_end, "value": row.current}
            below = [node | shown | spans]
        number += len(below)
        yield from below


def _below(
    kpi: str, parent: int, number: int, depth: int, client: Company, kpis: pd.DataFrame,
    found: pd.DataFrame, grain: str, there: set[str],
) -> Iterator[dict]:  # fmt: skip
    """The rows of a KPI and of what drives it; what is in the map already (`there`) is not shown again."""
    node = _node(number, parent, depth, "kpi", "") | _value(kpi, client, kpis, found, grain)
    relation = relation_of(kpi, client) if depth < LEVELS else None
    drivers = [driver for driver in relation.drivers if driver not in there] if relation else []
    if relation and drivers:
        node |= {"formula": relation.formula, "exact": relation.exact}
    yield node
    there.update(drivers)
    last = number
    for driver in drivers:
        rows = list(_below(driver, number, last + 1, depth + 1, client, kpis, found, grain, there))
        last += len(rows)
        yield from rows


def _node(number: int, parent: int, depth: int, kind: str, name: str) -> dict:
    empty = dict.fromkeys(("kpi", "grain", "status", "reason", "judged_by", "formula"), "")
    nothing = dict.fromkeys(("value", "before", "progress"), float("nan"))
    days = dict.fromkeys(("period_start", "period_end"), pd.NaT)
    own = {"node": number, "parent": parent, "depth": depth, "kind": kind, "name": name}
    return own | empty | nothing | days | {"track": "undefined", "exact": True}


def _judged(row: pd.Series, by: str) -> dict:
    known = row["pace"] != "undefined"
    return {"progress": row["progress"], "track": row["pace"], "judged_by": by if known else ""}


def _of_target(row: pd.Series) -> dict:
    """A KPI as the target of a goal has it: value and period are those that its progress is of."""
    same = ("grain", "unit", "reason", "period_start", "period_end", "status")
    return (
        {name: row[name] for name in same}
        | {"value": row["current"], "before": float("nan")}
        | _judged(row, "goal")
    )


# --- the value of a KPI, and whether it is on track -------------------------------------------------------


def _value(kpi: str, client: Company, kpis: pd.DataFrame, found: pd.DataFrame, grain: str) -> dict:
    """The KPI in its last settled period, and how that is judged."""
    spec = KPIS[kpi]
    grain = grain if grain in spec.grains else spec.grains[-1]
    every = kpis[(kpis["kpi"] == kpi) & (kpis["grain"] == grain)]
    whole = every[every["dimension"] == ""]
    settled = period_rows(whole, spec, "complete", client)
    node: dict = {"kpi": kpi, "grain": grain, "unit": unit_of(spec, client.params.currency)}
    if settled.empty:
        return node | {"status": "undefined", "reason": "none_eligible"}
    now = settled.iloc[0]
    past = whole[whole["period_end"] == now["period_start"]]
    before = past.iloc[0] if len(past) else None
    node |= {name: now[name] for name in ("value", "status", "reason", "period_start", "period_end")}
    node["before"] = float("nan") if before is None else before["value"]
    own = found[(found["kpi"] == kpi) & (found["dimension"] == "") & (found["pace"] != "undefined")]
    if len(own):
        return node | _of_target(own.iloc[0])
    target = _target(kpis, kpi, now)
    if pd.notna(target) and pd.notna(now["value"]):
        return node | {"track": "done" if now["value"] >= target else "behind", "judged_by": "target"}
    track = _step(now, before, spec.direction)
    return node | {"track": track, "judged_by": "before" if track != "undefined" else ""}


def _target(kpis: pd.DataFrame, kpi: str, now: pd.Series) -> float:
    """The target that was set for the KPI and period, of those that have targets; else NaN."""
    same = (kpis["grain"] == now["grain"]) & (kpis["period_start"] == now["period_start"])
    rows = kpis[(kpis["kpi"] == f"target_{kpi}") & same & (kpis["dimension"] == "")]
    return float(rows["value"].iloc[0]) if len(rows) else float("nan")


def _step(now: pd.Series, before: pd.Series | None, direction: str) -> str:
    """The step from the period before: better or worse by the KPI's good direction."""
    if before is None or pd.isna(now["value"]) or pd.isna(before["value"]):
        return "undefined"
    if now["value"] == before["value"]:
        return "unchanged"
    if now["low"] <= before["high"] and before["low"] <= now["high"]:
        return "unclear"
    up = now["value"] > before["value"]
    if direction == "none":
        return "higher" if up else "lower"
    return "better" if up == (direction == "up") else "worse"
