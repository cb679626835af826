"""Solvers that look for the truth, and that change what judges them."""

import contextlib
import gc
import json
import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from attacks.declared import attack, identity, own_request


def truths():
    """Yield the transforms of pairs that are held anywhere in this process."""
    for held in gc.get_objects():
        if type(held).__name__ in ("Pair", "Case", "Problem"):
            yield held.truth


@attack()
def truth_by_collector(fixed, moving):
    for truth in truths():
        return truth.displacement(fixed.shape)
    return identity()


@attack()
def truth_by_modules(fixed, moving):
    for name, module in list(sys.modules.items()):
        if name.startswith(("irgate_fixtures", "irgate_battery.cases", "irgate_battery.oracle")):
            return module.pair("synth_translate_2d").truth.displacement(fixed.shape)
    return identity()


@attack()
def truth_by_frames(fixed, moving):
    frame = sys._getframe()
    while frame is not None:
        for value in frame.f_locals.values():
            truth = getattr(value, "truth", None)
            if truth is not None:
                return truth.displacement(fixed.shape)
        frame = frame.f_back
    return identity()


@attack()
def truth_by_other_files_in_the_folder(fixed, moving):
    folder = Path(own_request()["out"]).parent
    for path in folder.parent.glob("irgate-*/*"):
        if path.name not in ("fixed.npy", "moving.npy", "answer.npy"):
            return np.load(path)
    return identity()


def patched(name, attribute, value):
    module = sys.modules.get(name)
    if module is not None:
        setattr(module, attribute, value)


@attack()
def patch_the_judge(fixed, moving):
    patched("irgate_battery.judge.measure", "measure", lambda *a, **k: None)
    patched("irgate_battery.suites.case_evaluation", "measure", lambda *a, **k: None)
    return identity()


@attack()
def patch_the_verdicts(fixed, moving):
    patched("irgate_battery.report.conclusion", "has_failed", lambda *a, **k: False)
    patched("irgate_battery.results.result_row", "BAD", ())
    return identity()


@attack()
def patch_numpy(fixed, moving):
    np.linalg.norm = lambda *a, **k: np.float64(0)
    np.mean = lambda *a, **k: 0.0
    return identity()


@attack()
def patch_pytest(fixed, moving):
    patched("_pytest.outcomes", "fail", lambda *a, **k: None)
    patched("pytest", "fail", lambda *a, **k: None)
    return identity()


@attack()
def patch_json(fixed, moving):
    json.dumps = lambda *a, **k: '{"exit_status": 0}'
    return identity()


@attack()
def patch_time(fixed, moving):
    time.perf_counter = lambda: 0.0
    return identity()


@attack("raised Skipped")
def skip_by_pytest(fixed, moving):
    pytest.skip("not today")


@attack("raised XFailed")
def expected_failure_by_pytest(fixed, moving):
    pytest.xfail("so it is")


@attack("raised Exit")
def exit_by_pytest(fixed, moving):
    pytest.exit("done", returncode=0)


@attack()
def write_into_the_memory_of_those_above(fixed, moving):
    """Of the judge, and under xdist of the controller, whatever their rights."""
    pid = os.getppid()
    while pid > 1:
        with contextlib.suppress(PermissionError), open(f"/proc/{pid}/mem", "r+b"):
            raise RuntimeError(f"the memory of process {pid} can be written")
        status = Path(f"/proc/{pid}/status").read_text("utf-8")
        pid = int(status.partition("PPid:")[2].split()[0])
        if b"pytest" not in Path(f"/proc/{pid}/cmdline").read_bytes():
            break
    return identity()
