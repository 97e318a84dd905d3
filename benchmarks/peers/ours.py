"""This package's fits on generated customers; writes the customers and the figures for `theirs.py`.

OMP_NUM_THREADS=1 python benchmarks/peers/ours.py FOLDER [--customers 100000]
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from models import generated

from analysis.models.pareto import ParetoNBD
from analysis.models.purchases import BGNBD


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--customers", type=int, default=100_000)
    given = parser.parse_args()
    data = generated(given.customers)
    figures = {}
    for name, model in (("BG/NBD", BGNBD()), ("Pareto/NBD", ParetoNBD())):
        start = time.process_time()
        model.fit(data)
        seconds = time.process_time() - start
        figures[name] = {"seconds": seconds, "log_likelihood": model.log_likelihood_}
    given.folder.mkdir(parents=True, exist_ok=True)
    np.save(given.folder / "customers.npy", data.to_numpy())
    (given.folder / "ours.json").write_text(json.dumps(figures), encoding="utf-8")


if __name__ == "__main__":
    main()
