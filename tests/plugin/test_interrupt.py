"""Ctrl-C or a signal in the middle: what ran is reported in full, and what did not is named."""

import os
import signal
import subprocess
import sys
import time

import pytest

PATIENCE = 60
"""Seconds that the run is given to come as far as the test wants it."""

SLOW = """
import time
from pathlib import Path
import irgate_fixtures, knowing, numpy as np

LAST = irgate_fixtures.pair("brain_mri_real").moving.astype(np.float32)

def register(fixed, moving):
    if np.array_equal(moving, LAST):
        Path("reached").touch()
        time.sleep(120)
    return knowing.register(fixed, moving)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows sends Ctrl-C to the whole console")
@pytest.mark.parametrize("workers", ["0", "2"])
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_what_ran_is_reported(pytester, solvers, report_of, workers, name):
    pytester.makepyfile(slow=SLOW)
    environment = {**os.environ, "PYTHONPATH": str(solvers), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    arguments = [
        "-p", "pytest_irgate.plugin", "-p", "xdist", "-n", workers, "--irgate", "irgate/base.py",
        "--irgate-solver", "slow.py:register", "--irgate-json", "r.json",
    ]  # fmt: skip
    run = subprocess.Popen(
        [sys.executable, "-m", "pytest", *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + PATIENCE
    # Under xdist another worker may still be busy with the fixture before the last.
    while not (pytester.path / "reached").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(2)
    run.send_signal(getattr(signal, name))
    output, _ = run.communicate(timeout=PATIENCE)
    report = report_of("r.json")
    assert run.returncode == report["exit_status"] == 2
    statuses = [row["status"] for row in report["cases"]]
    assert statuses == ["passed"] * 4 + ["missing"]
    assert report["cases"][0]["rmse"] > 0
    who = "you (Ctrl-C)" if name == "SIGINT" else name
    assert f"irgate: FAIL: stopped by {who}: 1 of 5 items not run; " in output
