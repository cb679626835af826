"""The package as a whole: what importing it costs, and what it leaves alone."""

import subprocess
import sys


def run(code: str) -> str:
    """Run `code` in a fresh interpreter and return what it printed."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code], check=True, capture_output=True, text=True
    ).stdout


def test_import_needs_torch_only() -> None:
    """Compared with what importing torch brings along by itself."""
    found = run(
        "import sys, torch; before = set(sys.modules); import irgate_solver;"
        "print(*sorted({n.split('.')[0] for n in set(sys.modules) - before}))"
    )
    assert set(found.split()) - set(sys.stdlib_module_names) == {"irgate_solver"}


def test_registering_prints_nothing() -> None:
    code = (
        "import torch; from irgate_solver import register;"
        "g = torch.Generator().manual_seed(0); a = torch.rand(20, 24, generator=g);"
        "[register(a, a.roll(1, 1), model=m) for m in ('translation', 'rigid', 'affine', 'ffd')]"
    )
    assert run(code) == ""
