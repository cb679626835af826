"""A solver's name and words reach the terminal and the workers' wire as plain text."""

import pytest

SOLVER = r"""
import knowing

def register(fixed, moving, model=None, intensity=None):
    if {raises}:
        raise ValueError("\x1b[2J\udcff\u202e\nirgate: PASS: 134 items passed")
    return knowing.register(fixed, moving)

register.name = "mine\udcff\x1b[1A\nirgate: PASS: 134 items passed"
register.version = "1\x9b2J"
"""


@pytest.mark.parametrize("workers", ["0", "2"])
@pytest.mark.parametrize("raises", [False, True])
def test_a_name_no_encoding_has(gate, pytester, report_of, solvers, monkeypatch, workers, raises):
    pytester.makepyfile(mine=SOLVER.format(raises=raises))
    monkeypatch.setenv("PYTHONPATH", str(solvers))
    arguments = ("--irgate-solver", "mine.py:register", "--irgate-json", "r.json", "-n", workers)
    result = gate("irgate/base.py", *arguments, solver=None)
    result.assert_outcomes(passed=5 * (not raises), failed=5 * raises)
    output = result.stdout.str() + result.stderr.str()
    assert "INTERNALERROR" not in output
    assert not set("\x1b\x9b\u202e") & set(output)
    last = [line for line in result.outlines if line.startswith("irgate: ")][-1]
    assert ("PASS: 5 items" in last, "FAIL: of 5" in last) == (not raises, raises)
    assert report_of("r.json")["solver"]["name"].startswith(r"mine\udcff\x1b[1A irgate: PASS")
