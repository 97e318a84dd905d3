"""The canonical tables are those of the data contract."""

import pytest

from analysis.contract import SQL_TYPES, TABLES


def test_every_table_of_the_contract_is_there_in_order():
    assert list(TABLES) == [
        "reps", "customers", "leads", "opportunities", "opportunity_splits", "stage_history", "subscriptions",
        "orders", "emails", "costs", "targets", "tasks", "activities", "notifications", "rates",
        "annotations",
    ]  # fmt: skip


def test_the_columns_that_a_deal_and_an_order_must_have():
    assert [c.name for c in TABLES["opportunities"] if c.required] == ["opportunity_id", "outcome"]
    assert [c.name for c in TABLES["orders"] if c.required] == ["order_id", "ordered_at", "amount"]


def test_allowed_words_stand_with_their_column():
    assert TABLES["opportunities"].column("outcome").values == ("open", "won", "lost")
    assert TABLES["costs"].column("category").values == ("marketing", "advertising", "salaries", "other")
    assert TABLES["targets"].column("period").values == ("month", "quarter", "year")


def test_the_ending_of_a_name_tells_its_type():
    for table in TABLES.values():
        for column in table:
            if column.name.endswith("_on"):
                assert column.type == "date", (table.name, column.name)
            if column.name.endswith("_at") or column.name == "at":
                assert column.type == "instant", (table.name, column.name)
            if column.name.endswith("_id"):
                assert column.type == "text", (table.name, column.name)


def test_an_instant_has_a_local_and_a_utc_column():
    assert TABLES["orders"].column("ordered_at").physical == ("ordered_at", "ordered_at_utc")
    assert TABLES["orders"].column("amount").physical == ("amount",)


@pytest.mark.parametrize("name", TABLES)
def test_what_a_table_says_of_itself_names_its_own_columns(name):
    table = TABLES[name]
    named = {*table.key, *table.born, *table.later, *table.events, *table.money_at} - {"_born"}
    named |= {i.end for i in table.intervals} | {s for i in table.intervals for s in i.start}
    assert named <= set(table.names)
    assert {c.type for c in table} <= set(SQL_TYPES)
    assert bool(table.money_at) == any(c.type == "money" for c in table)


def test_an_unknown_column_is_a_key_error():
    with pytest.raises(KeyError, match="sold_at"):
        TABLES["orders"].column("sold_at")
