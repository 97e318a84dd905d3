"""The words and figures of one company's report: numbers, periods and members as its readers write them.

Everything that a chart or a table says beside the glossary's own words is formatted here, by Babel, in the
company's locale. Nothing here computes a KPI.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from math import isfinite
from unicodedata import normalize

import pandas as pd
from babel import Locale
from babel.dates import format_date, format_interval, format_skeleton
from babel.numbers import (
    format_compact_currency,
    format_compact_decimal,
    format_currency,
    format_decimal,
    format_percent,
    get_currency_symbol,
)

from analysis import phrases
from analysis.company import Company
from analysis.glossary import COUNT, DAYS, HOURS, KPIS, MONTHS, RATIO, UNASSIGNED
from analysis.phrases import MEMBERS, OTHERS
from analysis.texts import ENGLISH, current, mark, say

NOTHING = "–"
LONGEST = 48  # letters of a name; a longer one would leave no room for the figures
TIMES = frozenset({"quick_ratio", "ltv_cac"})  # ratios that are read as "3 times", not as a share
POINTS = frozenset({"open_rate_lift"})  # differences of two shares, read as percentage points
UNITS = {COUNT: mark("number"), DAYS: mark("days"), HOURS: mark("hours"), MONTHS: mark("months")}
IN_UNITS = {
    COUNT: mark("{number} number"),
    DAYS: mark("{number} days"),
    HOURS: mark("{number} hours"),
    MONTHS: mark("{number} months"),
}


@dataclass(frozen=True)
class Labels:
    """How one company's numbers, periods and members are written.

    `people` maps a rep_id to the name shown; `absent` holds the tables and `table.column` names that KPIs
    need and the company does not have; `fiscal_year_start` is a month, 1 to 12; `basis` is the table that
    a family of KPIs rests on where the params choose it; `stages` are those of a deal in their order.
    """

    locale: str
    currency: str
    as_of: date
    fiscal_year_start: int = 1
    people: Mapping[str, str] = field(default_factory=dict)
    absent: frozenset[str] = frozenset()
    basis: Mapping[str, str] = field(default_factory=dict)
    stages: tuple[str, ...] = ()

    @classmethod
    def of(cls, client: Company) -> "Labels":
        """The labels of a company opened by `open_company`."""
        params = client.params
        return cls(
            locale=params.locale,
            currency=params.currency,
            as_of=client.as_of,
            fiscal_year_start=params.fiscal_year_start,
            people=_people(client),
            absent=_absent(client),
            basis={
                "customers": params.churn.basis,
                "team": params.revenue_from,
                "growth": params.revenue_from,
            },
            stages=tuple(params.stages),
        )

    def value(self, number: float, unit: str, kpi: str = "") -> str:
        """A value with its unit: "1 234 zł", "32,1%", "41,5 days"; a dash for none.

        `unit` is one of the KPI table's: a currency code, ratio, count, days, hours or months.
        """
        if not _is_number(number):
            return NOTHING
        if unit == RATIO:
            return self._ratio(number, kpi)
        if unit == COUNT:
            return self._decimal(number, "#,##0" if float(number).is_integer() else "#,##0.0")
        if unit in UNITS:
            return say(IN_UNITS[unit], number=self._decimal(number, "#,##0.0"))
        return self.money(number, unit)

    def money(self, number: float, currency: str) -> str:
        """An amount, without hundredths from a hundred up."""
        pattern = Locale.parse(self.locale).currency_formats["standard"].pattern
        if number == 0 or abs(number) >= 100:
            pattern = pattern.replace("0.00", "0")
        return format_currency(number, currency, pattern, locale=self.locale, currency_digits=False)

    def plain(self, number: float) -> str:
        """A number without a unit: whole when it is or is long, else with two decimals; a dash for none."""
        if not _is_number(number):
            return NOTHING
        whole = float(number).is_integer() or abs(number) >= 1000
        return self._decimal(number, "#,##0" if whole else "#,##0.00")

    def fine(self, number: float) -> str:
        """A number with three decimals."""
        return self._decimal(number, "0.000") if current() != ENGLISH else f"{number:.3f}"

    def interval(self, low: float, high: float, unit: str, kpi: str = "") -> str:
        """From low to high, the unit once: "28,1% – 36,4%", "12,0 – 53,2 days"; a dash for none."""
        if not (_is_number(low) or _is_number(high)):
            return NOTHING
        if unit in UNITS and unit != COUNT and _is_number(low) and _is_number(high):
            both = " – ".join(self._decimal(end, "#,##0.0") for end in (low, high))
            return say(IN_UNITS[unit], number=both)
        return " – ".join(self.value(end, unit, kpi) for end in (low, high))

    def tick(self, number: float, unit: str, kpi: str = "") -> str:
        """A value at an axis: short, in thousands or millions where it is long; the axis names the unit."""
        if kpi in POINTS:
            return self._decimal(round(number * 100, 6), "+#,##0.##;-#,##0.##" if number else "0")
        if unit == RATIO and kpi not in TIMES:
            return format_percent(round(number, 6), self._percent_pattern("0.##"), locale=self.locale)
        if abs(number) < 1000:
            return self._decimal(round(number, 6), "#,##0.##")
        return format_compact_decimal(number, locale=self.locale, fraction_digits=1)

    def short(self, number: float, unit: str, kpi: str = "") -> str:
        """A value beside a mark in a chart: as `value`, but long amounts in thousands or millions."""
        if unit in (RATIO, COUNT, *UNITS) or not _is_number(number) or abs(number) < 10000:
            return self.value(number, unit, kpi)
        return format_compact_currency(number, unit, locale=self.locale, fraction_digits=1)

    def unit(self, unit: str, kpi: str = "") -> str:
        """The unit in words, for an axis."""
        if unit == RATIO:
            if kpi in TIMES:
                return say("times")
            return say("percentage points") if kpi in POINTS else say("per cent")
        if unit in UNITS:
            return say(UNITS[unit])
        symbol = get_currency_symbol(unit, locale=self.locale)
        return unit if symbol == unit else f"{unit} ({symbol})"

    def change(self, now: float, before: float, unit: str, kpi: str = "") -> str:
        """The step from `before` to `now`: points for a share, days for days, else per cent of `before`."""
        if not (_is_number(now) and _is_number(before)):
            return NOTHING
        step = now - before
        if unit == RATIO and kpi not in TIMES:
            return say("{number} pp", number=self._decimal(step * 100, "+#,##0.0;-#,##0.0"))
        if unit in UNITS and unit != COUNT:
            return say(IN_UNITS[unit], number=self._decimal(step, "+#,##0.0;-#,##0.0"))
        if before <= 0:
            return NOTHING
        pattern = self._percent_pattern("0.0")
        return format_percent(step / before, f"+{pattern};-{pattern}", locale=self.locale)

    def period(self, start: date, grain: str) -> str:
        """A period by name: "Jun 2026", "Q2 2026", "2026"; a fiscal one by its first and last month.

        A day is a date, a week its first and last day.
        """
        if grain == "day":
            return self.day(start)
        if grain == "week":
            last = start + timedelta(days=6)
            return format_interval(start, last, "yMMMd", locale=self.locale).replace("\u2009", " ")
        if grain == "month":
            return format_skeleton("yMMM", start, locale=self.locale)
        months = {"quarter": 3, "year": 12}[grain]
        if (start.month - 1) % months == 0:
            return str(start.year) if grain == "year" else self._quarter(start)
        last = date(start.year + (start.month + months - 2) // 12, (start.month + months - 2) % 12 + 1, 1)
        return f"{self.period(start, 'month')} – {self.period(last, 'month')}"

    def _quarter(self, start: date) -> str:
        """A calendar quarter: Q2 2026 among English words, else as the locale has it, II kw. 2026."""
        if current() == ENGLISH:
            return f"Q{(start.month + 2) // 3} {start.year}"
        return format_skeleton("yQQQ", start, locale=self.locale)

    def span(self, start: date, end: date, grain: str) -> str:
        """A period by name, and whether it is still running on the report's day."""
        name = self.period(start, grain)
        return name if self.is_complete(end) else say("{period} so far", period=name)

    def month_tick(self, start: date, first: bool) -> str:
        """A month under an axis: its short name, and the year under the first one and each January."""
        name = format_date(start, "LLL", locale=self.locale)
        return f"{name}\n{start.year if first or start.month == 1 else ''}"

    def day_tick(self, start: date, first: bool) -> str:
        """A day, or the first of a week, under an axis: short, and the year under the first one."""
        name = format_skeleton("MMMd", start, locale=self.locale)
        return f"{name}\n{start.year if first else ''}"

    def day(self, day: date) -> str:
        """A date in the locale's usual form."""
        return format_date(day, "medium", locale=self.locale)

    def member(self, dimension: str, member: str) -> str:
        """A member of a breakdown by the name its reader knows: a person's, a channel's, a segment's."""
        if not member:
            return say("All")
        if (dimension, member) in MEMBERS:
            return say(MEMBERS[dimension, member])
        if member == UNASSIGNED:
            return say("not assigned")
        if member == OTHERS:
            return say(OTHERS)
        if dimension == "day":
            return say("by day {day}", day=member)
        name = self.people.get(member, member) if dimension == "rep" else member.replace("_", " ")
        return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"

    def order(self, dimension: str, member: str) -> tuple[bool, int, list[tuple[str, str]]]:
        """Sorts members by shown name, accented letters after plain ones, numbers by size, (…) last.

        Stages and causes have an order of their own; a stage that the params do not name follows the others.
        """
        name = self.member(dimension, member).casefold()
        causes = tuple(cause for what, cause in MEMBERS if what == "driver")
        own = {"stage": self.stages, "driver": causes}.get(dimension, ())
        counted = member if dimension == "day" else name
        number = own.index(member) if member in own else int(counted) if counted.isdecimal() else len(own)
        return member.startswith("("), number, [(_base(letter), letter) for letter in name]

    def dimension(self, dimension: str) -> str:
        """A breakdown in words."""
        return phrases.dimension_of(dimension)

    def by(self, name: str, dimension: str) -> str:
        """A KPI's name with its breakdown: "Revenue by channel", but "Won by day" as it is."""
        return phrases.by(name, dimension)

    def is_complete(self, period_end: date) -> bool:
        """Whether the period that ends before `period_end` is over at the end of the report's day."""
        return pd.Timestamp(period_end) <= pd.Timestamp(self.as_of + timedelta(days=1))

    def lacking(self, kpi: str) -> tuple[str, ...]:
        """What the KPI needs and the company does not have: tables, or `table.column` of a table it has."""
        spec = KPIS[kpi]
        # a stated margin needs no table; others without needs of their own stand on the basis
        basis = "" if kpi == "gross_margin_rate" else self.basis.get(spec.family, "")
        needs = spec.needs or (basis,)
        tables = [need.split(".")[0] for need in needs if need.split(".")[0] in self.absent]
        columns = [n for n in needs if n in self.absent and n.split(".")[0] not in self.absent]
        return tuple(dict.fromkeys(tables + columns))

    def _ratio(self, number: float, kpi: str) -> str:
        if kpi in TIMES:
            return self._decimal(number, "#,##0.0")
        if kpi in POINTS:
            return say("{number} pp", number=self._decimal(number * 100, "+#,##0.0;-#,##0.0"))
        return format_percent(number, self._percent_pattern("0.0"), locale=self.locale)

    def _percent_pattern(self, digits: str) -> str:
        """The locale's way to write a share (a space before the sign or none), with these digits."""
        return Locale.parse(self.locale).percent_formats[None].pattern.replace("#,##0", f"#,##{digits}")

    def _decimal(self, number: float, pattern: str) -> str:
        return format_decimal(number, pattern, locale=self.locale)


def _is_number(value: object) -> bool:
    return not pd.isna(value) and isfinite(float(value))  # type: ignore[arg-type]


def _base(letter: str) -> str:
    """The letter without its accent."""
    return "l" if letter == "ł" else normalize("NFKD", letter)[0]


def _people(client: Company) -> dict[str, str]:
    """rep_id → name; a name that two people share is followed by the id."""
    if not client.has("reps"):
        return {}
    reps = client.table("reps").select("rep_id", "name").order_by("rep_id").to_pandas()
    reps["name"] = reps["name"].fillna(reps["rep_id"])
    shared = {name for name, count in Counter(reps["name"]).items() if count > 1}
    return {
        rep: f"{name} ({rep})" if name in shared else name
        for rep, name in zip(reps["rep_id"], reps["name"], strict=True)
    }


def _absent(client: Company) -> frozenset[str]:
    """Every table and `table.column` that some KPI needs and this company does not have."""
    needs = {need for kpi in KPIS.values() for need in kpi.needs}
    tables = {need.split(".")[0] for need in needs}
    gone = {table for table in tables | {"orders"} if not client.has(table)}
    columns = {n for n in needs if "." in n and n.split(".")[0] not in gone}
    return frozenset(gone | {n for n in columns if not client.has_column(*n.split("."))})
