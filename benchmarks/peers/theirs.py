"""The library lifetimes on the same customers, in its own environment: CPU seconds, likelihoods and ratios.

    OMP_NUM_THREADS=1 python benchmarks/peers/theirs.py FOLDER

Its log-likelihoods are given as a mean; where it stops short of the greatest, ours is higher.
"""

import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np
from lifetimes import BetaGeoFitter, ParetoNBDFitter


def main() -> None:
    folder = Path(sys.argv[1])
    customers = np.load(folder / "customers.npy")
    ours = json.loads((folder / "ours.json").read_text(encoding="utf-8"))
    print(f"{len(customers):,} customers, one thread, CPU seconds of a fit")
    print("| model | ours | lifetimes | ratio | log-likelihood: ours − theirs |\n|---|---|---|---|---|")
    for name, fitter in (("BG/NBD", BetaGeoFitter()), ("Pareto/NBD", ParetoNBDFitter())):
        start = time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fitter.fit(*customers.T)
        seconds = time.process_time() - start
        theirs = likelihood(fitter, customers)
        mine = ours[name]
        print(
            f"| {name} | {mine['seconds']:.2f} | {seconds:.2f} | {seconds / mine['seconds']:.0f}x "
            f"| {mine['log_likelihood'] - theirs:+.4f} |"
        )


def likelihood(fitter: object, customers: np.ndarray) -> float:
    """Its log-likelihood at the parameters it found, as a sum over customers."""
    x, t_x, age = customers.T
    parameters = fitter.params_.to_numpy()
    if isinstance(fitter, ParetoNBDFitter):
        return float(fitter._conditional_log_likelihood(parameters, x, t_x, age).sum())
    logs = np.log(parameters)
    return -float(fitter._negative_log_likelihood(logs, x, t_x, age, np.ones(len(x)), 0.0)) * len(x)


if __name__ == "__main__":
    main()
