"""The goal map: what drives a goal, each with its value, its period and whether it is on track."""

from pathlib import Path

import pandas as pd
import pytest

from analysis import charts, tables
from analysis.charts.style import LOSS, MAIN
from analysis.display import Note
from analysis.glossary import KPIS
from analysis.goal_map import COLUMNS, RELATIONS, goal_map, relation_of
from analysis.kpi_table import kpi_table
from analysis.labels import Labels
from companies import make_company, values

DEALS = """
    opportunity_id,outcome,created_at,closed_at,amount,rep_id
    1,won,2025-10-01,2025-10-20,100,R1
    2,won,2026-01-02,2026-01-20,100,R1
    3,lost,2026-01-03,2026-02-10,50,R2
    4,won,2026-01-03,2026-03-10,50,R2
    5,won,2026-01-03,2026-03-10,90,R2
    6,open,2026-03-03,,90,R2
"""
ORDERS = """
    order_id,customer_id,ordered_at,amount
    1,A,2026-01-20,100
    2,B,2026-02-10,50
    3,A,2026-03-10,30
"""
SUBSCRIPTIONS = """
    subscription_id,customer_id,started_on,ended_on,mrr
    1,A,2025-06-01,,100
    2,B,2025-07-01,2026-02-01,50
    3,C,2026-03-01,,70
    4,A,2026-02-01,,20
"""
YEAR = {"start_on": "2026-01-01", "due_on": "2026-12-31"}


def kpi(name: str, end: float, grain: str = "year", **more) -> dict:
    return {"name": name, "type": "kpi", "kpi": name, "grain": grain, "end": end} | more


def mapped(folder: Path, *goals: dict, tables: dict | None = None, goal: str = "", **params):
    client = make_company(folder, tables or {"opportunities": DEALS}, goals=list(goals), **params)
    kpis = kpi_table(client)
    return goal_map(client, kpis, goal), kpis, client


def test_relations_name_kpis_there_are_and_no_kpi_drives_itself():
    for relation in RELATIONS:
        assert {relation.kpi, *relation.drivers} <= set(KPIS)
        assert relation.kpi not in relation.drivers
        assert len(set(relation.drivers)) == len(relation.drivers) > 0


def test_a_goal_leads_to_its_targets_and_they_to_what_drives_them(tmp_path):
    goal = {"name": "Grow", "targets": [kpi("revenue", 960), kpi("won_deals", 12)], **YEAR}
    nodes, kpis, _ = mapped(tmp_path, goal)
    assert list(nodes.columns) == COLUMNS
    top, revenue = nodes.iloc[0], nodes.iloc[1]
    assert (top["kind"], top["name"], top["parent"], top["value"]) == ("goal", "Grow", -1, 0.25)
    assert (top["track"], top["judged_by"]) == ("on track", "goal")
    assert (revenue["kpi"], revenue["value"], revenue["name"]) == ("revenue", 240, "")
    assert (revenue["period_start"], revenue["grain"]) == (pd.Timestamp("2026-01-01"), "year")
    assert (revenue["track"], revenue["judged_by"], revenue["progress"]) == ("on track", "goal", 0.25)
    children = nodes[nodes["parent"] == revenue["node"]]
    assert children["kpi"].tolist() == ["deal_size"]  # the deals won are a target of the same goal
    assert nodes[nodes["parent"] == 0]["kpi"].tolist() == ["revenue", "won_deals"]
    size = children.iloc[0]
    assert (size["value"], size["before"], size["track"], size["judged_by"]) == (80, 100, "worse", "before")
    assert values(kpis, "deal_size", "quarter")["2026-01-01"] == 80


def test_two_targets_by_one_kpi_have_each_their_own_figure_and_pace(tmp_path):
    month = kpi("revenue", 10, "month") | {"name": "This month"}
    goal = {"name": "Grow", "targets": [kpi("revenue", 100_000) | {"name": "This year"}, month], **YEAR}
    nodes, kpis, _ = mapped(tmp_path, goal)
    year, month = (row for _, row in nodes[nodes["parent"] == 0].iterrows())
    assert (year["name"], year["grain"], year["track"]) == ("This year", "year", "behind")
    assert (month["name"], month["grain"], month["track"]) == ("This month", "month", "done")
    assert month["value"] == values(kpis, "revenue", "month")["2026-03-01"]


def test_a_parent_stands_before_its_children_and_nothing_stands_twice(tmp_path):
    goal = {"name": "Grow", "targets": [kpi("revenue", 960), kpi("win_rate", 0.9, "quarter")], **YEAR}
    nodes, _, _ = mapped(tmp_path, goal)
    assert nodes["node"].tolist() == list(range(len(nodes)))
    assert (nodes["parent"] < nodes["node"]).all()
    depth = nodes.set_index("node")["depth"]
    below = nodes[nodes["parent"] >= 0]
    assert (below["depth"] == depth.loc[below["parent"]].to_numpy() + 1).all()
    assert not nodes[nodes["kind"] == "kpi"]["kpi"].duplicated().any()
    assert nodes["depth"].max() <= 4


def product(kpis: pd.DataFrame, *names: str) -> float:
    found = 1.0
    for name in names:
        found *= values(kpis, name, "quarter")["2026-01-01"]
    return found


@pytest.mark.parametrize("source", ["opportunities", "orders"])
def test_what_is_exact_makes_the_kpi_to_the_last_digit(tmp_path, source):
    tables = {"opportunities": DEALS, "orders": ORDERS, "subscriptions": SUBSCRIPTIONS}
    churn = {"basis": "orders"} if source == "orders" else {"basis": "subscriptions"}
    client = make_company(tmp_path, tables, revenue_from=source, churn=churn)
    kpis = kpi_table(client)

    def q(name: str) -> float:
        return values(kpis, name, "quarter")["2026-01-01"]

    def drivers(name: str) -> tuple[str, ...]:
        relation = relation_of(name, client)
        assert relation is not None and relation.exact, name
        return relation.drivers

    assert q("revenue") == pytest.approx(product(kpis, *drivers("revenue")))
    opening, new, back, lost = (q(name) for name in drivers("customers_closing"))
    assert q("customers_closing") == opening + new + back - lost
    top, bottom = (q(name) for name in drivers("arpa"))
    assert q("arpa") == pytest.approx(top / bottom)
    if source == "opportunities":
        assert q("customers_churned") == pytest.approx(product(kpis, *drivers("customers_churned")))
        opening, new, back, more, less, gone = (q(name) for name in drivers("mrr_closing"))
        assert q("mrr_closing") == opening + new + back + more - less - gone
        grr, more, opening = (q(name) for name in drivers("nrr"))
        assert q("nrr") == pytest.approx(grr + more / opening)
        less, gone, opening = (q(name) for name in drivers("grr"))
        assert q("grr") == pytest.approx(1 - (less + gone) / opening)


def test_without_a_goal_the_map_begins_with_revenue(tmp_path):
    nodes, _, _ = mapped(tmp_path)
    assert nodes.iloc[0][["kind", "kpi", "parent", "depth"]].tolist() == ["kpi", "revenue", -1, 0]
    assert nodes.iloc[0][["track", "judged_by"]].tolist() == ["better", "before"]
    assert set(nodes[nodes["parent"] == 0]["kpi"]) == {"won_deals", "deal_size"}


def test_a_set_target_judges_where_no_goal_does(tmp_path):
    targets = """
        metric,scope,scope_id,period_start,period,target
        revenue,company,,2026-01-01,quarter,{target}
    """
    for place, (target, track) in enumerate([(240, "done"), (241, "behind")]):
        tables = {"opportunities": DEALS, "targets": targets.format(target=target)}
        nodes, _, _ = mapped(tmp_path / str(place), tables=tables)
        assert nodes.iloc[0][["track", "judged_by"]].tolist() == [track, "target"]


def test_the_goal_that_is_named_or_the_first_by_revenue_is_mapped(tmp_path):
    goals = [
        {"name": "Other", "targets": [kpi("win_rate", 1)]},
        {"name": "Sales", "targets": [kpi("revenue", 1)]},
    ]
    nodes, kpis, client = mapped(tmp_path, *goals)
    assert nodes.iloc[0]["name"] == "Sales"
    assert goal_map(client, kpis, "Other").iloc[0]["name"] == "Other"
    with pytest.raises(KeyError, match="None such"):
        goal_map(client, kpis, "None such")


def test_a_target_that_is_no_kpi_of_the_company_is_a_leaf_of_its_own(tmp_path):
    mine = kpi("revenue", 480, dimension="rep", member="R2") | {"name": "Bob's"}
    call = {"name": "Calls", "type": "number", "end": 8, "current": 2}
    nodes, _, _ = mapped(tmp_path, {"name": "G", "targets": [mine, call], **YEAR}, goal="G")
    assert nodes["kind"].tolist() == ["goal", "target", "target"]
    assert nodes["name"].tolist() == ["G", "Bob's", "Calls"]
    assert nodes["value"].tolist()[1:] == [140, 2]


def test_an_undefined_kpi_says_why_and_is_not_judged(tmp_path):
    nodes, _, client = mapped(tmp_path, {"name": "G", "targets": [kpi("nrr", 1)], **YEAR}, goal="G")
    assert nodes.iloc[1][["kpi", "reason", "track"]].tolist() == ["nrr", "missing_table", "undefined"]
    shown = tables.goal_map(nodes, Labels.of(client))
    assert shown.body[1].cells[1] == "the company has no such table"
    assert shown.body[1].status == "undefined"


def test_a_cohort_is_shown_when_it_has_grown(tmp_path):
    leads = "lead_id,created_at,opportunity_id\n1,2025-10-05,1\n2,2025-11-05,\n3,2026-03-01,6"
    nodes, _, _ = mapped(tmp_path, tables={"opportunities": DEALS, "leads": leads}, maturity_days=60)
    ratio = nodes[nodes["kpi"] == "lead_opportunity_ratio"].iloc[0]
    assert (ratio["period_start"], ratio["value"]) == (pd.Timestamp("2025-10-01"), 0.5)


# --- drawn ------------------------------------------------------------------------------------------------


def test_the_tree_has_a_box_for_every_node_and_its_frame_and_words_say_how_it_stands(tmp_path):
    goal = {"name": "Grow", "targets": [kpi("revenue", 100_000)], **YEAR}
    nodes, _, client = mapped(tmp_path, goal)
    ax = charts.goal_map(nodes, Labels.of(client))
    assert len(ax.patches) == len(nodes)
    assert len(ax.lines) == len(nodes) - 1
    texts = [text.get_text() for text in ax.texts]
    assert texts[:3] == ["Grow", "0.2%", "▼ behind"]
    assert texts[3:6] == ["Revenue", "€240, 2026", "▼ behind, 0.2%"]
    assert ax.patches[0].get_linewidth() > 2
    colours = {line.get_color() for line in ax.lines}
    assert {LOSS, MAIN} <= colours
    picture = charts.picture(ax)
    assert picture.alt.startswith(
        "Tree: What drives it: Grow. Grow: 0.2%, behind (by its goal); Revenue: €240 (2026), behind, 0.2% "
        "(by its goal); Deals won: 3 (Q1 2026), better (by the period before); "
    )
    assert picture.png()[:4] == b"\x89PNG"


def test_the_table_has_every_node_below_the_one_it_drives(tmp_path):
    nodes, _, client = mapped(tmp_path, {"name": "Grow", "targets": [kpi("revenue", 960)], **YEAR})
    shown = tables.goal_map(nodes, Labels.of(client))
    assert len(shown.body) == len(nodes)
    assert shown.body[1].cells == (
        "– Revenue", "€240", "2026", "–", "on track", "by its goal", "deals won × deal size",
    )  # fmt: skip


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "y" * 3000, "$a_1$ 🎯 שלום"])
def test_whatever_a_goal_is_called_it_is_drawn_as_text(tmp_path, name):
    nodes, _, client = mapped(tmp_path, {"name": name, "targets": [kpi("revenue", 9)]}, goal=name)
    labels = Labels.of(client)
    ax = charts.goal_map(nodes, labels)
    assert max(len(text.get_text()) for text in ax.texts) <= 40
    assert len(charts.picture(ax).png()) > 1000
    assert "<script>" not in tables.goal_map(nodes, labels)._repr_html_()


def test_nothing_to_map_is_a_sentence(tmp_path):
    nodes, _, client = mapped(tmp_path)
    assert isinstance(charts.goal_map(nodes.head(0), Labels.of(client)), Note)
    assert isinstance(tables.goal_map(nodes.head(0), Labels.of(client)), Note)
