"""Errors a user can cause. Each message says where, what was found, what was expected and what to do."""


class AnalysisError(Exception):
    """Base of every error that a user's files, params or command can cause; its text is shown as it is."""


class ParamsError(AnalysisError):
    """A params file that is missing, unreadable or invalid; the text lists all its problems, one a line."""


class SourceError(AnalysisError):
    """A source that cannot be read as the contract asks: a file, a column, an encoding."""


class QuarantineError(AnalysisError):
    """More rows of a table are quarantined than `max_quarantined` allows."""


class MissingTable(AnalysisError):
    """A KPI asks for a table that the company does not have."""


class RunError(AnalysisError):
    """A batch run that cannot start or a notebook that failed; names the company, notebook and cell."""


class GoalError(AnalysisError):
    """A goal that cannot be proposed: an unknown KPI, or a history too short to say what is usual."""
