import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parent / "coverage_of_kpis.py"


def test_no_kpi_lacks_a_worked_case_an_empty_period_a_boundary_day_or_a_law():
    done = subprocess.run([sys.executable, str(SCRIPT)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
