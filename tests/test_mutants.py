import pytest

from mutants import MUTANTS, PACKAGE, ROOT, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.fault)
def test_a_planted_fault_has_its_place_and_its_tests(mutant: Mutant):
    """`make mutants` runs them; here only that the list has kept up with the code."""
    compile(mutant.planted(), str(PACKAGE / mutant.file), "exec")
    assert all((ROOT / test).is_file() for test in mutant.tests)
