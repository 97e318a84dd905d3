"""The KPI table of a large company against hand-written SQL for the same figures, from the same files.

    python benchmarks/scale.py [--opportunities 10_000_000] [--orders 50_000_000] [--threads 2] [--folder DIR]

Both sides run in a process of their own and do the same two things: load and check (required values, allowed
words, dates, keys that come twice, unknown ids, when customers were won), then compute. Prints CPU seconds
after imports, wall seconds, the process's greatest resident memory (which counts pages of files that are
mapped into memory; neither side maps any) and the ratios. Fails when a figure differs.

The package's KPI table has figures that the SQL does not compute (ALONE). What they take is measured apart;
it is in the memory, and neither in the phases nor in the ratios.

The files are generated from the row numbers, and taken again where they are in the folder already.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
from scale_data import generate, sizes
from scale_peer import Peer

from analysis import acquisition, customers, growth, leads, team
from analysis.company import open_company
from analysis.glossary import KPIS
from analysis.kpi_table import kpi_table

ALONE = {
    team: ("closing", "retention_12m_by_rep"),
    leads: ("first_responses", "open_pipeline", "unworked"),
    growth: ("stage_conversion", "sales_growth_mtd", "growth_effect"),
    customers: ("clv_historic",),
    acquisition: ("cac_lagged",),
}
KEYS = ["kpi", "grain", "first_month", "dimension", "member"]
NOTHING = 1e-9


class Clock:
    """CPU and wall seconds since the last look, and the memory so far."""

    def __init__(self) -> None:
        self.cpu, self.wall = time.process_time(), time.monotonic()

    def look(self) -> dict[str, float]:
        cpu, wall = time.process_time(), time.monotonic()
        found = {"cpu": cpu - self.cpu, "wall": wall - self.wall, "memory": memory()}
        self.cpu, self.wall = cpu, wall
        return found


def memory() -> float:
    """Greatest resident memory of this process so far, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def limit(threads: int) -> None:
    """Keep this process on that many cores."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def package(folder: Path, threads: int) -> dict[str, dict[str, float]]:
    """The package's side: the KPI table into kpis.parquet."""
    limit(threads)
    apart = {name: timed(module, name) for module, names in ALONE.items() for name in names}
    clock = Clock()
    company = open_company("scale", params_dir=folder)
    loaded = clock.look()
    kpis = kpi_table(company)
    computed = clock.look()
    kpis.to_parquet(folder / "kpis.parquet")
    for key in ("cpu", "wall"):
        computed[key] -= sum(found.get(key, 0) for found in apart.values())
    return {"load and check": loaded, "compute": computed, **apart}


def timed(module: ModuleType, name: str) -> dict[str, float]:
    """Measure a function of the package whenever it is called; what it took is found in the result."""
    function, found = getattr(module, name), {}

    def measured(*args: Any, **kwargs: Any) -> Any:
        clock = Clock()
        result = function(*args, **kwargs)
        found.update(clock.look())
        return result

    setattr(module, name, measured)
    return found


def peer(folder: Path, threads: int) -> dict[str, dict[str, float]]:
    """The SQL's side: the same figures into peer.parquet."""
    limit(threads)
    clock = Clock()
    sql = Peer(folder, threads)
    sql.check()
    loaded = clock.look()
    sql.compute(folder / "peer.parquet")
    return {"load and check": loaded, "compute": clock.look()}


def apart(side: str, folder: Path, threads: int) -> dict[str, dict[str, float]]:
    """What a side measures in a process of its own."""
    command = [sys.executable, __file__, "--side", side, "--folder", str(folder), "--threads", str(threads)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def differences(folder: Path) -> tuple[int, list[str]]:
    """How many figures both sides have, and the KPIs of which any differs."""
    ours, theirs = (pd.read_parquet(folder / f"{name}.parquet") for name in ("kpis", "peer"))
    known = [
        dim in ("", *KPIS[kpi].dims) for kpi, dim in zip(theirs["kpi"], theirs["dimension"], strict=True)
    ]
    theirs = theirs[known]
    ours["first_month"] = ours["period_start"].dt.year * 12 + ours["period_start"].dt.month - 1
    ours = ours[ours["kpi"].isin(theirs["kpi"].unique())]
    both = ours.merge(theirs, how="outer", on=KEYS, suffixes=("", "_sql"))
    value, other = both["value"].fillna(0), both["value_sql"].fillna(0)
    wrong = (value - other).abs() > NOTHING * value.abs().clip(lower=1)
    wrong |= both["n_sql"].notna() & (both["n"] != both["n_sql"])
    return len(both), sorted(both.loc[wrong, "kpi"].unique())


def show(sides: dict[str, dict[str, dict[str, float]]]) -> None:
    """A line per phase: both sides and their ratio."""
    ours, theirs = sides["package"], sides["sql"]
    for found in (ours, theirs):
        found["total"] = {k: sum(found[p][k] for p in ("load and check", "compute")) for k in ("cpu", "wall")}
        found["total"]["memory"] = found["compute"]["memory"]
    print(f"{'':16}{'package':^28}{'SQL':^28}ratio")
    print(f"{'':16}" + f"{'CPU s':>9}{'wall s':>9}{'GB':>8}  " * 2 + f"{'CPU':>6}{'wall':>6}")
    for phase in ("load and check", "compute", "total"):
        cells = "".join(
            f"{s[phase]['cpu']:9.1f}{s[phase]['wall']:9.1f}{s[phase]['memory']:8.2f}  "
            for s in (ours, theirs)
        )
        ratios = "".join(f"{ours[phase][k] / theirs[phase][k]:6.2f}" for k in ("cpu", "wall"))
        print(f"{phase:16}{cells}{ratios}")
    alone = {name: ours[name]["cpu"] for names in ALONE.values() for name in names if ours[name]}
    listed = ", ".join(f"{name} {cpu:.1f}" for name, cpu in alone.items())
    print(f"without SQL to compare: {sum(alone.values()):.1f} s of CPU ({listed})")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--opportunities", type=int, default=10_000_000)
    parser.add_argument("--orders", type=int, default=50_000_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--side", choices=("package", "sql"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.side:
        run = {"package": package, "sql": peer}[args.side]
        print(json.dumps(run(args.folder, args.threads)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = (args.folder or Path(temporary)).resolve()
        generate(folder, sizes(args.opportunities, args.orders))
        sides = {side: apart(side, folder, args.threads) for side in ("sql", "package")}
        count, wrong = differences(folder)
    print(f"{args.opportunities:,} opportunities, {args.orders:,} orders, {args.threads} threads")
    show(sides)
    print(f"{count:,} figures on both sides; " + (f"DIFFERENT: {', '.join(wrong)}" if wrong else "all equal"))
    if wrong:
        sys.exit(1)


if __name__ == "__main__":
    main()
