"""Mutation testing of the referee: which changes of its code does no test notice?

    python tests/mutation/run.py                        all modules of modules.toml
    python tests/mutation/run.py judge/measure suites   those whose path begins so
    python tests/mutation/run.py --jobs 2 --fresh       two at a time, forgetting earlier results

Each mutant is tried in a process of its own, forked where numpy, scipy and SimpleITK are imported
already; the mutated source takes the module's place on import and is written nowhere. Only the
tests that modules.toml pairs with the module run, and only until one fails. What was killed is
remembered in .mutation/ while the module stays as it is (--fresh forgets it: after tests were taken
away); what survived is tried again.

Exit status: 0 where at least 95 % of the mutants that are not in equivalent.toml die, else 1.
"""

import argparse
import gc
import hashlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import signal
import sys
import time
import tomllib
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PACKAGE = ROOT / "battery" / "irgate_battery"
REMEMBERED = ROOT / ".mutation" / "killed"

GOAL = 0.95
"""Part of the mutants that must die."""

PATIENCE = 5.0
"""A mutant that takes this many times as long as the unchanged module hangs, and is killed by
that; some seconds are added, for a busy machine."""

PYTEST = ("-x", "-q", "-p", "no:cacheprovider")

FOR_EACH = ("battery/test_frozen.py",)
"""Tests of every module, beside those that modules.toml pairs with it."""

ENVIRONMENT = {"OMP_NUM_THREADS": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
"""One core a mutant, and no plugins, which take longer to load than the tests take to run."""

UNCHANGED = (
    "hypothesis", "matplotlib.pyplot", "nibabel", "numpy", "pytest", "pywt", "scipy.ndimage",
    "scipy.optimize", "SimpleITK", "torch", "irgate_fixtures",
)  # fmt: skip
"""What is imported before the fork. Everything under irgate_battery is imported after it."""


class Substitute(importlib.abc.MetaPathFinder, importlib.abc.SourceLoader):
    """Imports one module from a text."""

    def __init__(self, name, path, source):
        self.name, self.path, self.source = name, path, source

    def find_spec(self, fullname, path=None, target=None):
        if fullname == self.name:
            return importlib.util.spec_from_file_location(fullname, self.path, loader=self)
        return None

    def get_filename(self, fullname):
        return str(self.path)

    def get_data(self, path):
        # Bytecode is neither read nor written: there is no path_stats here.
        if Path(path) != self.path:
            raise OSError
        return self.source.encode()


class Trial:
    """One run of a module's tests, in a process of its own."""

    def __init__(self, module, source, tests):
        self.started = time.monotonic()
        self.pid = os.fork()
        if self.pid == 0:
            os.setpgid(0, 0)
            os._exit(_run_tests(module, source, tests))

    @property
    def seconds(self):
        return time.monotonic() - self.started

    def ended(self, limit=float("inf")):
        """Return whether the tests passed, `None` while they run; stop them after a time."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid:
            return status == 0
        if self.seconds > limit:
            os.killpg(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            return False
        return None

    def result(self):
        """Wait for it."""
        while (passed := self.ended()) is None:
            time.sleep(0.01)
        return passed


def _run_tests(module, source, tests):
    import pytest

    silent = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(silent, stream)
    path = PACKAGE / f"{module}.py"
    name = f"irgate_battery.{module.replace('/', '.')}"
    sys.meta_path.insert(0, Substitute(name, path, source))
    try:
        return int(pytest.main([*PYTEST, *tests]))
    except BaseException:
        return 1


def _import_what_does_not_change():
    for name in UNCHANGED:
        importlib.import_module(name)
    # What is there now is no business of the many garbage collections that come.
    gc.collect()
    gc.freeze()


def _key(module, source, mutant):
    return hashlib.sha256("\0".join((module, source, mutant)).encode()).hexdigest()[:24]


def _run_module(module, tests, equivalent, killed, jobs):
    """Try a module's mutants; return how many count, how many do not, and the survivors."""
    from operators import mutants

    source = (PACKAGE / f"{module}.py").read_text(encoding="utf-8")
    made = list(mutants(source))
    every = [mutant for mutant in made if (mutant[1], mutant[2]) not in equivalent]
    left = [mutant for mutant in every if _key(module, source, mutant[3]) not in killed]
    survivors = []
    if left:
        unchanged = Trial(module, source, tests)
        if not unchanged.result():
            raise SystemExit(f"{module}: its tests fail without a mutant: {' '.join(tests)}")
        limit = PATIENCE * unchanged.seconds + 10.0
    waiting, running = list(left), []
    while waiting or running:
        while waiting and len(running) < jobs:
            mutant = waiting.pop(0)
            running.append((Trial(module, mutant[3], tests), mutant))
        for trial, mutant in list(running):
            passed = trial.ended(limit)
            if passed is None:
                continue
            running.remove((trial, mutant))
            if passed:
                survivors.append(mutant)
                print(f"  {module}.py:{mutant[0]}: {mutant[1]}  ->  {mutant[2]}", flush=True)
            else:
                killed.add(_key(module, source, mutant[3]))
                with REMEMBERED.open("a") as lines:
                    print(_key(module, source, mutant[3]), file=lines)
        time.sleep(0.01)
    return len(every), len(made) - len(every), survivors


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("modules", nargs="*", help="beginnings of paths below irgate_battery")
    parser.add_argument("--jobs", type=int, default=1, help="mutants tried at a time")
    parser.add_argument("--fresh", action="store_true", help="forget what was killed before")
    asked = parser.parse_args()
    os.chdir(ROOT)
    os.environ.update(ENVIRONMENT)
    sys.path[:0] = [str(ROOT / folder) for folder in (".", "fixtures", "battery", "solver")]
    # What is not mutated is compiled once.
    sys.dont_write_bytecode = False
    chosen = {
        module: tests
        for module, tests in tomllib.loads((HERE / "modules.toml").read_text()).items()
        if not asked.modules or module.startswith(tuple(asked.modules))
    }
    if not chosen:
        parser.error(f"no module of modules.toml begins with {', '.join(asked.modules)}")
    reasons = tomllib.loads((HERE / "equivalent.toml").read_text())
    REMEMBERED.parent.mkdir(exist_ok=True)
    if asked.fresh:
        REMEMBERED.unlink(missing_ok=True)
    killed = set(REMEMBERED.read_text().split()) if REMEMBERED.exists() else set()
    _import_what_does_not_change()
    total = alive = same = 0
    for module, tests in chosen.items():
        started = time.monotonic()
        equivalent = {(e["before"], e["after"]) for e in _of_module(reasons, module)}
        paths = [f"tests/{test}" for test in (*tests, *FOR_EACH)]
        count, left_out, survivors = _run_module(module, paths, equivalent, killed, asked.jobs)
        total, alive, same = total + count, alive + len(survivors), same + left_out
        died = count - len(survivors)
        seconds = time.monotonic() - started
        print(
            f"{module}: {died} of {count} died ({_share(died, count)}, {seconds:.0f} s)", flush=True
        )
    died = total - alive
    print(f"all: {died} of {total} died ({_share(died, total)}); {same} equivalent ones left out")
    return 0 if died >= GOAL * total else 1


def _of_module(reasons, module):
    """Return a module's equivalent mutants; `judge/measure` stands under `judge.measure`."""
    for part in module.split("/"):
        reasons = reasons.get(part, {})
    return reasons or []


def _share(part, whole):
    return f"{part / whole:.1%}" if whole else "none to try"


if __name__ == "__main__":
    sys.exit(main())
