"""`kpi check`: params and data of companies, without KPIs and notebooks."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from analysis.batch.watch import line, tell_company
from analysis.company import open_company
from analysis.errors import AnalysisError, RunError
from analysis.params import companies


def check(names: Sequence[str], params_dir: Path, as_of: str, out: Console, err: Console) -> bool:
    """Open each company (all of the folder when none is named) and show its ledger; whether all opened.

    A company that cannot be opened is told on `err`, and the others are still checked.

    Raises
    ------
    RunError, ParamsError
        There is no such folder, or no company in it.
    """
    chosen = list(dict.fromkeys(names)) or companies(params_dir)
    if not chosen:
        raise RunError(f"{params_dir}: there are no companies yet; `kpi new` writes a params file")
    fine = True
    for name in chosen:
        try:
            tell_company(out, open_company(name, as_of, params_dir))
        except AnalysisError as error:
            fine = False
            line(err, f"{name}: FAILED\n" + "\n".join(f"  {text}" for text in str(error).splitlines()))
    return fine
