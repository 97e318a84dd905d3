"""The KPI table's slices as tables to read: captions, figures in the company's locale, every mark explained.

Each function returns a `Table` or, where there is nothing to show, a `Note` of one sentence that says why.
"""

from analysis.tables.goals import goal_map, goals
from analysis.tables.headline import headline, running
from analysis.tables.people import comparison, response, waiting, waiting_list
from analysis.tables.review import behind, follow_up, overdue, points, uncalled, uncleared
from analysis.tables.risks import calls, caveats, lasting, levels, looked_back, outlook, scores
from analysis.tables.run import checks, ledger, of_source, plain, provenance
from analysis.tables.slices import breakdown, crosstab, definition, fold, numbers

__all__ = [
    "behind",
    "breakdown",
    "calls",
    "caveats",
    "checks",
    "comparison",
    "crosstab",
    "definition",
    "fold",
    "follow_up",
    "goal_map",
    "goals",
    "headline",
    "lasting",
    "ledger",
    "levels",
    "looked_back",
    "numbers",
    "of_source",
    "outlook",
    "overdue",
    "plain",
    "points",
    "provenance",
    "response",
    "running",
    "scores",
    "uncalled",
    "uncleared",
    "waiting",
    "waiting_list",
]
