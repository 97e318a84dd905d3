"""Params files: what they may say, and how their mistakes are told."""

import pickle
import re
from datetime import date
from pathlib import Path

import pytest

from analysis import dashboard_params, goal_params, params
from analysis.contract import TABLES
from analysis.errors import ParamsError
from analysis.params import SECTIONS, Params

REQUIRED = """\
company: acme
name: Acme Instruments
as_of: 2026-06-30
currency: PLN
timezone: Europe/Warsaw
source:
  connect: data/acme
"""

FULL = """\
company: acme
name: Acme Instruments
as_of: 2026-06-30
currency: PLN
timezone: Europe/Warsaw
locale: pl_PL
country: PL
fiscal_year_start: 4
history_months: 36
revenue_from: orders
churn: {basis: orders, inactive_days: 60}
gross_margin: 0.72
discount_rate: 0.12
maturity_days: 30
min_n: 8
max_quarantined: 0.01
channels: {cold_call: outbound, search: inbound}
stages: [prospect, proposal]
model: {horizon_weeks: 13, clv_horizon_months: 24, capacity: 9}
source:
  connect: ${env:ACME_URL}
  tables:
    opportunities:
      file: deals_*.csv
      format: {delimiter: ";", encoding: cp1250, decimal: ",", thousands: " ", header: no,
               dates: ["%d.%m.%Y", "%Y-%m-%d"]}
      columns: {opportunity_id: $row, amount: Wartość, stage: null}
      values: {outcome: {Wygrana: won, no: lost, 0: open, "": open}}
      constants: {kind: new, rep_id: 00017}
      where: {is_deleted: false, region: [PL, 48], day: 2026-01-31}
    reps: {preset: hubspot.owners}
goals: [{name: Grow, due_on: 2026-12-31, targets: [{name: Sales, type: number, end: 9, weight: 2}]}]
dashboard: [{widget: line, kpi: win_rate, last: 8}]
people: pseudonyms
"""


@pytest.fixture
def write(tmp_path):
    """`write(text)` is a params file of that text, in a folder of its own."""

    def to_file(text: str, name: str = "acme") -> Path:
        path = tmp_path / f"{name}.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return to_file


def problems(path: Path) -> list[str]:
    """The lines of the error that loading raises, without the file's folder."""
    with pytest.raises(ParamsError) as caught:
        params.load(path)
    return str(caught.value).replace(f"{path.parent.as_posix()}/", "").splitlines()


def changed(key: str, value: str) -> str:
    """The required keys with one of them, or one more, changed."""
    text = re.sub(rf"^{key}:.*\n", "", REQUIRED, flags=re.M)
    return f"{key}: {value}\n{text}"


# --- what a file says -------------------------------------------------------------------------------------


def test_the_required_keys_are_enough_and_the_rest_has_defaults(write):
    acme = params.load(write(REQUIRED))
    assert acme.model_dump() == {
        "company": "acme",
        "name": "Acme Instruments",
        "as_of": date(2026, 6, 30),
        "currency": "PLN",
        "timezone": "Europe/Warsaw",
        "locale": "en_US",
        "country": None,
        "fiscal_year_start": 1,
        "history_months": 24,
        "revenue_from": "opportunities",
        "churn": {"basis": "subscriptions", "inactive_days": 90},
        "gross_margin": None,
        "discount_rate": 0.10,
        "maturity_days": 90,
        "min_n": 5,
        "people": "names",
        "max_quarantined": 0.05,
        "channels": {},
        "stages": [],
        "model": {"horizon_weeks": 26, "clv_horizon_months": 36, "capacity": 20},
        "source": {"connect": "data/acme", "tables": {}},
        "goals": [],
        "dashboard": [],
    }


def test_every_key_is_read(write):
    acme = params.load(write(FULL))
    assert acme.model_dump(exclude={"source", "goals", "dashboard"}) == {
        "company": "acme",
        "name": "Acme Instruments",
        "as_of": date(2026, 6, 30),
        "currency": "PLN",
        "timezone": "Europe/Warsaw",
        "locale": "pl_PL",
        "country": "PL",
        "fiscal_year_start": 4,
        "history_months": 36,
        "revenue_from": "orders",
        "churn": {"basis": "orders", "inactive_days": 60},
        "gross_margin": 0.72,
        "discount_rate": 0.12,
        "maturity_days": 30,
        "min_n": 8,
        "people": "pseudonyms",
        "max_quarantined": 0.01,
        "channels": {"cold_call": "outbound", "search": "inbound"},
        "stages": ["prospect", "proposal"],
        "model": {"horizon_weeks": 13, "clv_horizon_months": 24, "capacity": 9},
    }
    (widget,) = acme.dashboard
    assert widget.model_dump(exclude_defaults=True) == {"widget": "line", "kpi": "win_rate", "last": 8}
    (goal,) = acme.goals
    assert (goal.name, goal.start_on, goal.due_on) == ("Grow", None, date(2026, 12, 31))
    (target,) = goal.targets
    assert target.model_dump(exclude_defaults=True) == {
        "name": "Sales", "type": "number", "end": 9, "weight": 2
    }  # fmt: skip


def test_a_table_s_mapping_is_read_with_source_values_as_the_text_they_are(write):
    tables = params.load(write(FULL)).source.tables
    assert tables["opportunities"].model_dump() == {
        "file": "deals_*.csv",
        "table": None,
        "sql": None,
        "preset": None,
        "format": {
            "delimiter": ";",
            "encoding": "cp1250",
            "decimal": ",",
            "thousands": " ",
            "dates": ["%d.%m.%Y", "%Y-%m-%d"],
            "header": False,
        },
        "columns": {"opportunity_id": "$row", "amount": "Wartość", "stage": None},
        "values": {"outcome": {"Wygrana": "won", "no": "lost", "0": "open", "": "open"}},
        "constants": {"kind": "new", "rep_id": "00017"},
        "where": {"is_deleted": False, "region": ["PL", 48], "day": date(2026, 1, 31)},
    }
    assert tables["reps"].preset == "hubspot.owners"
    assert tables["reps"].format.model_fields_set == set()


def test_latest_stays_the_word_and_the_secret_stays_its_name(write):
    acme = params.load(write(FULL.replace("2026-06-30", "latest")))
    assert acme.as_of == "latest"
    assert acme.source.connect == "${env:ACME_URL}"


def test_a_key_with_nothing_after_it_has_its_default(write):
    acme = params.load(write(REQUIRED + "  tables:\n    reps:\nmin_n:\nchurn:\ngoals:\n"))
    assert (acme.min_n, acme.churn.basis, acme.goals) == (5, "subscriptions", [])
    assert acme.source.tables["reps"].file is None


def test_words_that_look_like_values_stay_words(write):
    acme = params.load(write(changed("name", "2026") + "stages: [no, 1.50, 2026-01-01]\n"))
    assert acme.name == "2026"
    assert acme.stages == ["no", "1.50", "2026-01-01"]


def test_a_repeated_part_may_be_written_once_and_pointed_to(write):
    text = REQUIRED + '  tables:\n    leads: {format: &pl {decimal: ","}}\n    orders: {format: *pl}\n'
    assert params.load(write(text)).source.tables["orders"].format.decimal == ","


def test_a_file_with_a_byte_order_mark_is_read(tmp_path):
    path = tmp_path / "acme.yaml"
    path.write_text(REQUIRED, encoding="utf-8-sig")
    assert params.load(path).company == "acme"


def test_params_cannot_be_changed_and_survive_pickling(write):
    acme = params.load(write(FULL))
    with pytest.raises(ValueError, match="frozen"):
        acme.name = "Other"
    copy = pickle.loads(pickle.dumps(acme))
    assert copy == acme
    assert copy.where("min_n") == acme.where("min_n")


# --- where a key stands -----------------------------------------------------------------------------------


def test_where_names_the_file_and_the_line_of_a_key(write):
    path = write(FULL)
    acme = params.load(path)
    assert acme.path == path
    assert acme.where("name") == f"{path}:2"
    assert acme.where("source", "tables", "opportunities") == f"{path}:23"
    assert acme.where("source", "tables", "opportunities", "columns", "amount") == f"{path}:27"
    assert acme.where("stages", "1") == f"{path}:18"


def test_where_falls_back_to_what_stands_above_a_key(write):
    path = write(FULL)
    acme = params.load(path)
    assert acme.where("source", "tables", "opportunities", "values", "kind") == f"{path}:28"
    assert acme.where("source", "tables", "orders", "file") == f"{path}:22"
    assert acme.where("nothing") == str(path)


def test_a_file_of_the_project_is_named_from_its_root(tmp_path, monkeypatch):
    folder = tmp_path / "params"
    folder.mkdir()
    (folder / "acme.yaml").write_text(REQUIRED + "min_m: 3\n")
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    with pytest.raises(ParamsError) as caught:
        params.load(folder / "acme.yaml")
    assert str(caught.value) == "params/acme.yaml:8: unknown key `min_m`; did you mean `min_n`?"


def test_params_made_in_code_know_where_their_file_would_be():
    acme = Params(
        company="acme",
        name="Acme",
        as_of="latest",
        currency="PLN",
        timezone="UTC",
        source={"connect": "data/acme"},
    )
    assert acme.path == params.project_root() / "params" / "acme.yaml"
    assert acme.where("name") == "params/acme.yaml"


# --- mistakes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("company", "Acme!", "'Acme!' is no company id; write 1 to 40 of a-z, 0-9, _ and -"),
        ("company", "a" * 41, f"'{'a' * 41}' is no company id; write 1 to 40 of a-z, 0-9, _ and -"),
        (
            "company",
            "acne",
            "'acne' differs from the file's name 'acme'; rename the file to acne.yaml or write company: acme",
        ),
        ("as_of", "2026-02-30", "'2026-02-30' is no date; write YYYY-MM-DD or latest"),
        ("as_of", "20260630", "'20260630' is no date; write YYYY-MM-DD or latest"),
        ("as_of", "Latest", "'Latest' is no date; write YYYY-MM-DD or latest"),
        ("currency", "pln", "'pln' is no currency code; did you mean `PLN`?"),
        ("currency", "złoty", "'złoty' is no currency code; write one such as EUR"),
        ("timezone", "Europe/Warsav", "'Europe/Warsav' is no time zone; did you mean `Europe/Warsaw`?"),
        ("locale", "pl-PL", "'pl-PL' is no locale; did you mean `pl_PL`?"),
        ("country", "Poland", "'Poland' is no country; write one such as PL"),
        ("fiscal_year_start", "0", "'0' does not fit; write a month number, 1 to 12"),
        ("fiscal_year_start", "13", "'13' does not fit; write a month number, 1 to 12"),
        ("fiscal_year_start", "April", "'April' does not fit; write a month number, 1 to 12"),
        ("history_months", "0", "'0' does not fit; write a number of months, 1 or more"),
        ("history_months", "2.5", "'2.5' does not fit; write a number of months, 1 or more"),
        ("revenue_from", "order", "'order' does not fit; write opportunities or orders"),
        ("gross_margin", "72%", "'72%' does not fit; write a fraction from 0 to 1, such as 0.72"),
        ("gross_margin", "72", "'72' does not fit; write a fraction from 0 to 1, such as 0.72"),
        ("gross_margin", "nan", "'nan' does not fit; write a fraction from 0 to 1, such as 0.72"),
        ("discount_rate", "-0.1", "'-0.1' does not fit; write a yearly rate of 0 or more, such as 0.10"),
        ("discount_rate", "inf", "'inf' does not fit; write a yearly rate of 0 or more, such as 0.10"),
        ("maturity_days", "-1", "'-1' does not fit; write a number of days, 0 or more"),
        ("min_n", "0", "'0' does not fit; write a number of observations, 1 or more"),
        ("people", "initials", "'initials' does not fit; write names or pseudonyms"),
        ("max_quarantined", "5", "'5' does not fit; write a fraction from 0 to 1, such as 0.05"),
        ("stages", "prospect", "'prospect' does not fit; write a list of stages, in order"),
        ("stages", "[a, b, a]", "'a' more than once; write each once, in order"),
        ("goals", "{a: b}", "a mapping does not fit; write a list of goals, each of `key: value` lines"),
        ("churn", "orders", "'orders' does not fit; write `key: value` lines: basis, inactive_days"),
        ("name", "[a]", "a list does not fit; write the company's name as reports show it"),
    ],
)
def test_a_value_that_does_not_fit_is_quoted_with_its_line_and_the_remedy(write, key, value, told):
    assert problems(write(changed(key, value))) == [f"acme.yaml:1: {key}: {told}"]


@pytest.mark.parametrize("value", ["0", "1", "0.5"])
def test_the_ends_of_a_fraction_are_allowed(write, value):
    text = changed("gross_margin", value) + f"max_quarantined: {value}\n"
    assert params.load(write(text)).gross_margin == float(value)


@pytest.mark.parametrize("key", ["company", "name", "as_of", "currency", "timezone"])
def test_a_required_key_that_is_missing_is_named(write, key):
    (told,) = problems(write(re.sub(rf"^{key}:.*\n", "", REQUIRED, flags=re.M)))
    assert told.startswith(f"acme.yaml: `{key}` is missing; give ")


def test_a_missing_connect_is_told_with_the_line_of_source(write):
    text = REQUIRED.replace("  connect: data/acme", "  tables: {}")
    assert problems(write(text)) == [
        "acme.yaml:6: `source.connect` is missing; give a folder or a database's URL"
    ]


def test_an_empty_required_key_is_told(write):
    assert problems(write(changed("currency", ""))) == [
        "acme.yaml:1: currency is empty; write a currency code such as EUR"
    ]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("fiscal_year_strat: 1", "unknown key `fiscal_year_strat`; did you mean `fiscal_year_start`?"),
        ("inactive_days: 60", "unknown key `inactive_days`; it belongs under `churn`"),
        ("churn: {base: orders}", "unknown key `base`; did you mean `basis`?"),
        ("churn: {currency: PLN}", "unknown key `currency`; it belongs under no other key"),
        ("churn: {xyz: 1}", "unknown key `xyz`; the keys here are basis, inactive_days"),
        ("model: {horizon_week: 3}", "unknown key `horizon_week`; did you mean `horizon_weeks`?"),
    ],
)
def test_an_unknown_key_is_told_with_the_nearest_one(write, line, told):
    assert problems(write(f"{line}\n{REQUIRED}")) == [f"acme.yaml:1: {told}"]


@pytest.mark.parametrize(
    ("mapping", "told"),
    [
        ("oportunities: {}", "source.tables: no table `oportunities`; did you mean `opportunities`?"),
        (
            "leads: {columns: {chanel: Kanał}}",
            "source.tables.leads.columns: leads has no column `chanel`; did you mean `channel`?",
        ),
        (
            "leads: {values: {outcome: {a: b}}}",
            "source.tables.leads.values: leads has no column `outcome`; its columns are lead_id, created_at, "
            "channel, rep_id, first_contact_at, qualified_at, opportunity_id, customer_id",
        ),
        (
            "leads: {constants: {rep: R1}}",
            "source.tables.leads.constants: leads has no column `rep`; did you mean `rep_id`?",
        ),
        (
            "opportunities: {values: {outcome: {Won: won, Lost: loss}}}",
            "source.tables.opportunities.values.outcome: 'loss' does not fit; write open, won or lost",
        ),
        (
            "targets: {constants: {period: monthly}}",
            "source.tables.targets.constants.period: 'monthly' does not fit; write month, quarter or year",
        ),
        (
            "orders: {columns: {channel: src}, constants: {channel: web}}",
            "source.tables.orders.constants.channel: `columns` names it too; keep one of the two",
        ),
        ("orders: {file: a.csv, sql: select 1}", "source.tables.orders: `file` and `sql`; keep one of them"),
        ("orders: {flie: a.csv}", "unknown key `flie`; did you mean `file`?"),
        (
            "orders: {format: {delimiter: '::'}}",
            "source.tables.orders.format.delimiter: '::' is no delimiter; "
            "write one character, tab or whitespace",
        ),
        (
            "orders: {format: {encoding: cp9999}}",
            "source.tables.orders.format.encoding: 'cp9999' is no encoding; "
            "write one such as utf-8, cp1250 or iso-8859-2",
        ),
        (
            "orders: {format: {decimal: ';'}}",
            'source.tables.orders.format.decimal: \';\' does not fit; write "." or ","',
        ),
        (
            "orders: {format: {dates: [iso]}}",
            "source.tables.orders.format.dates: 'iso' is no date format; "
            "write one such as %Y-%m-%d, or a list of them",
        ),
        (
            "orders: {where: {a: {b: c}}}",
            "source.tables.orders.where.a: a mapping does not fit; "
            "write source column: value, or a list of values",
        ),
    ],
)
def test_a_mistake_in_a_mapping_is_told_with_its_line(write, mapping, told):
    assert problems(write(f"{REQUIRED}  tables:\n    {mapping}\n")) == [f"acme.yaml:9: {told}"]


def test_every_problem_is_told_at_once_in_the_file_s_order(write):
    text = """\
company: acme
name: Acme
as_of: tomorrow
currency: zloty
fiscal_year_strat: 4
min_n: none
source:
  connect: data/acme
  tables:
    lead: {}
    orders:
      columns: {amout: a}
"""
    assert problems(write(text)) == [
        "acme.yaml: `timezone` is missing; give a time zone such as Europe/Warsaw",
        "acme.yaml:3: as_of: 'tomorrow' is no date; write YYYY-MM-DD or latest",
        "acme.yaml:4: currency: 'zloty' is no currency code; write one such as EUR",
        "acme.yaml:5: unknown key `fiscal_year_strat`; did you mean `fiscal_year_start`?",
        "acme.yaml:6: min_n: 'none' does not fit; write a number of observations, 1 or more",
        "acme.yaml:10: source.tables: no table `lead`; did you mean `leads`?",
        "acme.yaml:12: source.tables.orders.columns: orders has no column `amout`; did you mean `amount`?",
    ]


def test_a_key_written_twice_is_told_with_both_lines(write):
    assert problems(write(REQUIRED + "name: Other\n")) == [
        "acme.yaml:8: `name` stands in line 2 already; keep one of the two"
    ]


@pytest.mark.parametrize(
    "url",
    [
        "postgres://me:hunter2@db.example/acme",
        "postgres://db.example/acme?password=hunter2",
    ],
)
def test_a_password_in_connect_is_refused_and_not_repeated(write, url):
    (told,) = problems(write(REQUIRED.replace("data/acme", url)))
    assert told == (
        "acme.yaml:7: source.connect: holds a password; "
        "put the URL in an environment variable and write ${env:NAME}"
    )


@pytest.mark.parametrize(
    "url",
    [
        "postgres://me:${env:ACME_PASSWORD}@db.example/acme",
        "postgres://db.example/acme?password=${env:ACME_PASSWORD}",
        "duckdb:///data/acme.duckdb",
        "/srv/exports/acme",
    ],
)
def test_a_connect_without_a_secret_is_kept_as_it_is(write, url):
    assert params.load(write(REQUIRED.replace("data/acme", url))).source.connect == url


def test_a_misspelt_environment_variable_is_told(write):
    (told,) = problems(write(REQUIRED.replace("data/acme", "${ACME_URL}")))
    assert told == "acme.yaml:7: source.connect: an environment variable is written ${env:NAME}"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "name: 'Acme\ncurrency: PLN\n",
            "acme.yaml:1: is not valid YAML: found unexpected end of stream; the quote that begins here",
        ),
        (
            "company: acme\nname: a: b\n",
            "acme.yaml:2: is not valid YAML: mapping values are not allowed here",
        ),
        (
            "stages:\n\t- a\n",
            "acme.yaml:2: is not valid YAML: found character '\\t' that cannot start any token",
        ),
        ("goals: *top\n", "acme.yaml:1: is not valid YAML: found undefined alias 'top'"),
        ("", "acme.yaml: holds no `key: value` lines; start from params/_template.yaml"),
        ("- a\n", "acme.yaml: holds no `key: value` lines; start from params/_template.yaml"),
    ],
)
def test_what_is_no_yaml_is_told_with_its_line(write, text, told):
    (line,) = problems(write(text))
    assert line.startswith(told)


def test_half_of_a_letter_is_told(write):
    told = problems(write(REQUIRED + 'goals: [{"name": "\\ud83d"}]\n'))
    assert (
        "acme.yaml:8: half of a surrogate pair (`\\ud83d`); write the letter itself, or `\\U0001F600`" in told
    )


def test_a_part_that_points_to_itself_is_told(write):
    assert problems(write(REQUIRED + "goals: &g [*g]\n"))[0] == "acme.yaml:8: `*g` refers to itself"


def test_a_file_that_is_not_utf_8_is_told_with_the_line(tmp_path):
    path = tmp_path / "acme.yaml"
    path.write_bytes(b"company: acme\n" + "name: Żabka\n".encode("cp1250"))
    assert problems(path) == ["acme.yaml:2: is not UTF-8 text; save the file as UTF-8"]


def test_a_file_that_is_not_there_is_told(tmp_path):
    assert problems(tmp_path / "acme.yaml") == ["acme.yaml: there is no such file"]


# --- goals ------------------------------------------------------------------------------------------------

GOALS = """\
goals:
  - name: Grow
    folder: Sales
    owner: R1
    start_on: 2026-01-01
    due_on: 2026-12-31
    targets:
      - {name: Calls, type: number, start: 14, end: 7, current: {2026-03-31: 12, 2026-06-30: 10.5}}
      - {name: Cash, type: currency, end: 200, current: 50, currency: EUR}
      - {name: Tool bought, type: true_false, done: 2026-05-02}
      - {name: Agreed, type: true_false, done: false}
      - {name: Asked, type: tasks, done: 3, all: 8, cancelled: 2}
      - {name: Called, type: tasks, filter: {rep_id: 007, title: call, linked_to: lead, due_to: 2026-06-30}}
      - {name: Churn, type: kpi, kpi: churn_rate, grain: quarter, dimension: segment, member: big,
         period: complete, start: 0.1, end: 0.05, weight: 2}
"""


def test_a_goal_s_targets_of_every_type_are_read(write):
    (goal,) = params.load(write(REQUIRED + GOALS)).goals
    assert goal.model_dump(exclude={"targets"}) == {
        "name": "Grow",
        "folder": "Sales",
        "owner": "R1",
        "start_on": date(2026, 1, 1),
        "due_on": date(2026, 12, 31),
    }
    calls, cash, bought, agreed, asked, called, churn = goal.targets
    assert (calls.start, calls.end) == (14, 7)
    assert calls.current == {date(2026, 3, 31): 12, date(2026, 6, 30): 10.5}
    assert (cash.start, cash.end, cash.current, cash.currency, cash.weight) == (None, 200, 50, "EUR", 1)
    assert (bought.done, agreed.done) == (date(2026, 5, 2), False)
    assert (asked.done, asked.all, asked.cancelled, asked.filter) == (3, 8, 2, None)
    assert called.filter.model_dump(exclude_none=True) == {
        "rep_id": "007", "title": "call", "linked_to": "lead", "due_to": date(2026, 6, 30)
    }  # fmt: skip
    assert churn.model_dump(exclude_none=True) == {
        "name": "Churn", "type": "kpi", "weight": 2, "start": 0.1, "end": 0.05, "kpi": "churn_rate",
        "grain": "quarter", "dimension": "segment", "member": "big", "period": "complete",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("{type: number, end: 1}", "`goals.0.targets.0.name` is missing; give the target's name as reports"),
        ("{name: a, end: 1}", "`goals.0.targets.0.type` is missing; give number, currency, true_false, "),
        ("{name: a, type: numbers}", "goals.0.targets.0.type: 'numbers' does not fit; write number, curr"),
        ("{name: a, type: number}", "`goals.0.targets.0.end` is missing; give a number: what is to be re"),
        ("{name: a, type: number, ned: 1, end: 1}", "unknown key `ned`; did you mean `end`?"),
        ("{name: a, type: number, end: many}", "goals.0.targets.0.end: 'many' does not fit; write a numb"),
        ("{name: a, type: number, end: inf}", "goals.0.targets.0.end: 'inf' does not fit; write a number"),
        ("{name: a, type: number, end: 1, weight: 0}", "goals.0.targets.0.weight: '0' does not fit; writ"),
        ("{name: a, type: number, end: 1, current: x}", "goals.0.targets.0.current: 'x' is no number; wr"),
        (
            "{name: a, type: number, end: 1, current: true}",
            "goals.0.targets.0.current: 'true' is no number",
        ),
        (
            "{name: a, type: number, end: 1, current: {soon: 1}}",
            "goals.0.targets.0.current: 'soon' is no date; write YYYY-MM-DD",
        ),
        (
            "{name: a, type: number, end: 1, currency: EUR}",
            "goals.0.targets.0.currency: a target of type number has none; it goes with currency",
        ),
        ("{name: a, type: currency, end: 1, currency: eur}", "goals.0.targets.0.currency: 'eur' is no curr"),
        ("{name: a, type: true_false, done: yes}", "goals.0.targets.0.done: 'yes' is neither true, false n"),
        ("{name: a, type: true_false, current: 3}", "goals.0.targets.0.current: '3' is neither true nor fa"),
        ("{name: a, type: true_false, done: false, current: true}", "goals.0.targets.0: `done` and `curr"),
        ("{name: a, type: tasks}", "goals.0.targets.0: tasks need `done` and `all`, or a `filter` over t"),
        ("{name: a, type: tasks, done: 1, all: 3, filter: {}}", "goals.0.targets.0: a filter and counts; k"),
        ("{name: a, type: tasks, done: 2, all: 3, cancelled: 2}", "goals.0.targets.0.all: 3 is less than wh"),
        ("{name: a, type: tasks, done: true, all: 3}", "goals.0.targets.0.done: 'true' is no number of tas"),
        ("{name: a, type: tasks, filter: {rep: R1}}", "unknown key `rep`; did you mean `rep_id`?"),
        ("{name: a, type: tasks, filter: {due_to: May}}", "goals.0.targets.0.filter.due_to: 'May' is no da"),
        ("{name: a, type: kpi, grain: month, end: 1}", "`goals.0.targets.0.kpi` is missing; give a KPI's i"),
        ("{name: a, type: kpi, kpi: revenu, grain: month, end: 1}", "goals.0.targets.0.kpi: 'revenu' is no"),
        ("{name: a, type: kpi, kpi: revenue, end: 1}", "`goals.0.targets.0.grain` is missing; give a grain"),
        (
            "{name: a, type: kpi, kpi: clv, grain: year, end: 1}",
            "goals.0.targets.0.grain: clv has no grain 'year'; it has month",
        ),
        (
            "{name: a, type: kpi, kpi: revenue, grain: monthly, end: 1}",
            "goals.0.targets.0.grain: revenue has no grain 'monthly'; did you mean `month`?",
        ),
        (
            "{name: a, type: kpi, kpi: revenue, grain: month, dimension: reps, member: R1, end: 1}",
            "goals.0.targets.0.dimension: revenue has no dimension 'reps'; did you mean `rep`?",
        ),
        (
            "{name: a, type: kpi, kpi: revenue, grain: month, dimension: rep, end: 1}",
            "goals.0.targets.0: give `dimension` and `member` together, or neither",
        ),
        (
            "{name: a, type: kpi, kpi: churn_rate, grain: month, end: 0.02}",
            "`goals.0.targets.0.start` is missing; give where churn_rate began, since more of it is not bet",
        ),
        (
            "{name: a, type: kpi, kpi: goal_progress, grain: month, end: 1}",
            "goals.0.targets.0.kpi: 'goal_progress' is no KPI; ",
        ),
    ],
)
def test_a_mistake_in_a_target_is_told_with_its_line(write, target, told):
    text = f"{REQUIRED}goals:\n  - name: Grow\n    targets:\n      - {target}\n"
    (line,) = problems(write(text))
    assert line.startswith(f"acme.yaml:11: {told}")


@pytest.mark.parametrize(
    ("goals", "told"),
    [
        ("- {nam: Grow}", "9: unknown key `nam`; did you mean `name`?"),
        ("- {name: Grow, kpi: revenue}", "9: unknown key `kpi`; it belongs under `goals.*.targets.*`"),
        ("- {name: Grow}\n  - {name: Grow}", "10: 'Grow' is the name of a goal in line 9 already; give ea"),
        ("- {name: Grow, due_on: 31.12.2026}", "9: goals.0.due_on: '31.12.2026' is no date; write YYYY-M"),
        (
            "- {name: Grow, start_on: 2026-02-01, due_on: 2026-01-31}",
            "9: goals.0.due_on: 2026-01-31 is before start_on, 2026-02-01",
        ),
        ("- {name: Grow, targets: revenue}", "9: goals.0.targets: 'revenue' does not fit; write a list of"),
        ("- revenue", "9: goals.0: 'revenue' does not fit; write a list of goals, each of "),
        (
            "- {name: a, targets: [{name: b / c, type: true_false}]}\n"
            "  - {name: a / b, targets: [{name: c, type: true_false}]}",
            "10: 'a / b / c' is the name of a goal and target in line 9 already; give each its own",
        ),
    ],
)
def test_a_mistake_in_a_goal_is_told_with_its_line(write, goals, told):
    lines = problems(write(f"{REQUIRED}goals:\n  {goals}\n"))
    assert any(line.startswith(f"acme.yaml:{told}") for line in lines)


# --- companies --------------------------------------------------------------------------------------------


@pytest.fixture
def project(tmp_path, monkeypatch):
    folder = tmp_path / "params"
    folder.mkdir()
    for name in ("shop", "acme", "_template"):
        (folder / f"{name}.yaml").write_text(REQUIRED.replace("acme", name))
    (folder / "notes.txt").write_text("")
    (tmp_path / "notebooks" / "deep").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "notebooks" / "deep")
    return tmp_path


def test_the_project_s_root_is_found_upward_from_the_current_folder(project):
    assert params.project_root() == project


def test_without_params_upward_the_root_is_the_package_s_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert params.project_root() == Path(__file__).parents[1]


def test_the_companies_are_the_params_files_sorted_without_the_template(project):
    assert params.companies() == ["acme", "shop"]
    assert params.companies(project / "params") == ["acme", "shop"]


def test_a_company_is_found_from_any_folder_of_the_project(project):
    assert params.find("shop") == project / "params" / "shop.yaml"


def test_a_folder_beside_the_current_one_goes_before_the_project_s(project):
    other = project / "notebooks" / "deep" / "params"
    other.mkdir()
    assert params.companies() == []


def test_an_unknown_company_is_told_with_the_nearest_and_all_there_are(project):
    with pytest.raises(ParamsError) as caught:
        params.find("acne")
    assert str(caught.value) == (
        "params: no company `acne`; did you mean `acme`?\n  the companies there are acme, shop"
    )


@pytest.mark.parametrize("name", ["_template", "../params/acme", "", "ACME"])
def test_what_is_no_company_is_not_found(project, name):
    with pytest.raises(ParamsError, match=r"^params: no company"):
        params.find(name)


def test_a_folder_of_params_that_is_not_there_is_told(project):
    with pytest.raises(ParamsError, match=r"^clients: there is no such folder"):
        params.companies("clients")


def test_with_as_of_is_a_copy_of_another_day(write):
    acme = params.load(write(REQUIRED))
    back = params.with_as_of(acme, "2026-05-31")
    assert back.as_of == date(2026, 5, 31)
    assert acme.as_of == date(2026, 6, 30)
    assert back.where("as_of") == acme.where("as_of")
    assert params.with_as_of(acme, date(2026, 1, 1)).as_of == date(2026, 1, 1)
    assert params.with_as_of(acme, "latest").as_of == "latest"
    assert params.with_as_of(acme, "") is acme
    assert params.with_as_of(acme, None) is acme


def test_with_as_of_tells_what_is_no_date(write):
    acme = params.load(write(REQUIRED))
    with pytest.raises(ParamsError) as caught:
        params.with_as_of(acme, "30.06.2026")
    assert str(caught.value) == "as_of: '30.06.2026' is no date; write YYYY-MM-DD or latest"


# --- the template and the documentation -------------------------------------------------------------------

ROOT = Path(__file__).parents[1]
TEMPLATE = ROOT / "params" / "_template.yaml"


def uncommented() -> str:
    """The template with its commented settings taken into use; prose has a space after its `#`."""
    return re.sub(r"^( *)#(?=[a-z-])", r"\1", TEMPLATE.read_text(encoding="utf-8"), flags=re.M)


def test_the_template_loads_as_it_is():
    assert params.load(TEMPLATE).as_of == "latest"


def test_the_template_loads_with_everything_in_it_taken_into_use(write):
    acme = params.load(write(uncommented(), "_template"))
    assert acme.country == "PL"
    assert acme.source.tables["opportunities"].values["outcome"]["Won"] == "won"
    assert acme.source.tables["reps"].preset == "hubspot.owners"


def test_the_template_shows_every_key_and_its_default(write):
    acme = params.load(write(uncommented(), "_template"))
    sections = {
        (): acme,
        ("churn",): acme.churn,
        ("model",): acme.model,
        ("source",): acme.source,
        ("source", "tables", "*", "format"): acme.source.tables["opportunities"].format,
    }
    for key, section in sections.items():
        assert set(type(section).model_fields) == section.model_fields_set, key
    everything = [*acme.dashboard, *acme.goals, *(target for goal in acme.goals for target in goal.targets)]
    everything += [target.filter for target in everything if getattr(target, "filter", None)]
    for section in (*goal_params.SECTIONS.values(), *dashboard_params.SECTIONS.values()):
        written = [part.model_fields_set for part in everything if type(part) is section]
        assert set(section.model_fields) == set().union(*written), section
    shown = {name for table in acme.source.tables.values() for name in table.model_fields_set}
    prose = TEMPLATE.read_text(encoding="utf-8")
    for name in set(SECTIONS["source", "tables", "*"].model_fields) - shown:
        assert f"`{name}: " in prose, name
    examples = {"locale", "country", "gross_margin", "channels", "stages", "goals", "dashboard"}
    for name, field in Params.model_fields.items():
        if not field.is_required() and name not in examples:
            assert getattr(acme, name) == field.get_default(call_default_factory=True), name


def documented() -> dict[tuple[str, ...], dict[str, str]]:
    """`docs/params.md`: the default of each key as written there, by the section's name in its heading."""
    found: dict[tuple[str, ...], dict[str, str]] = {}
    for part in re.split(r"^## ", (ROOT / "docs" / "params.md").read_text(encoding="utf-8"), flags=re.M)[1:]:
        heading = re.match(r".*?`([a-z.<>]+)`", part.splitlines()[0])
        key = tuple(re.sub("<[a-z]+>", "*", heading[1]).split(".")) if heading else ()
        rows = re.findall(r"^\| `(\w+)` \|[^|]*\| ([^|]*) \|", part, flags=re.M)
        found.setdefault(key, {}).update(rows)
    return found


@pytest.mark.parametrize("key", SECTIONS, ids=lambda key: ".".join(key) or "top")
def test_the_documentation_has_every_key_with_its_default(key):
    expected = {}
    for name, field in SECTIONS[key].model_fields.items():
        default = field.get_default(call_default_factory=True)
        if field.is_required():
            expected[name] = "required"
        elif isinstance(default, tuple(SECTIONS.values())):
            expected[name] = "see below"
        elif default in (None, {}, []):
            expected[name] = "none"
        else:
            expected[name] = f"`{str(default).lower() if isinstance(default, bool) else default}`"
        if default == "":
            expected[name] = '`""`'
    assert documented()[key] == expected


def test_the_documentation_of_the_data_has_the_contract_s_tables_and_columns():
    text = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| ([^|]*) \|", text, flags=re.M)
    expected = []
    for table in TABLES.values():
        words = []
        for column in table:
            values = f" ({'/'.join(f'`{v}`' for v in column.values)})" if column.values else ""
            words.append(f"{column.name}{'*' if column.required else ''}{values}")
        expected.append((table.name, ", ".join(words)))
    assert rows == expected
