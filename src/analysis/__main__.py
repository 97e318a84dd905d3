"""`python -m analysis` is `kpi`."""

from analysis.cli import main

if __name__ == "__main__":
    main()
