"""The kernel's library: built, found, of the right version, in bounds, the same bits anywhere."""

import hashlib
import itertools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import irgate_solver
from irgate_solver import _native, register

from .test_kernel import DTYPES, KINDS, METRICS, SAID, built, pair


@pytest.mark.skipif(
    os.name != "posix" or not any(map(shutil.which, ("cc", "gcc", "clang"))),
    reason="there is no C compiler that an install could have found",
)
def test_where_there_is_a_compiler_the_kernel_was_built(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the tests above would compare nothing."""
    monkeypatch.delenv(_native.VARIABLE, raising=False)
    assert irgate_solver.kernel().partition(":")[0] == "native"


def test_kernel_says_which_path_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(_native.VARIABLE, "0")
    assert irgate_solver.kernel() == "torch: IRGATE_KERNEL=0"
    monkeypatch.setenv(_native.VARIABLE, "1")
    assert irgate_solver.kernel().partition(":")[0] in ("native", "torch")
    monkeypatch.setattr(_native, "PLAIN", Path("nowhere"))
    monkeypatch.setattr(_native, "WIDE", Path("nowhere"))
    _native._loaded.cache_clear()
    try:
        assert irgate_solver.kernel() == "torch: this install has no compiled kernel"
        result = register(*pair(torch.float32), model="rigid")
        assert result.status is irgate_solver.Status.CONVERGED
    finally:
        _native._loaded.cache_clear()


@built
def test_a_library_of_another_version_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(_native.VARIABLE, raising=False)
    monkeypatch.setattr(_native, "SOURCE", Path(__file__))
    _native._loaded.cache_clear()
    try:
        said = irgate_solver.kernel()
        assert said == "torch: the compiled kernel is of another version; install again"
        assert _native.library() is None
    finally:
        _native._loaded.cache_clear()


@built
@pytest.mark.skipif(not SAID.endswith("AVX2"), reason="this processor or build has no AVX2")
def test_wider_vectors_give_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(_native.VARIABLE, raising=False)
    answers = []
    for wide in (_native.WIDE, Path("nowhere")):
        monkeypatch.setattr(_native, "WIDE", wide)
        _native._loaded.cache_clear()
        answers.append(
            [
                register(*pair(dtype), model=model, metric=metric, sampling=kind).parameters
                for dtype, model, metric, kind in itertools.product(
                    DTYPES, ("rigid", "ffd"), METRICS, KINDS
                )
            ]
        )
        assert irgate_solver.kernel().endswith("AVX2") == (wide != Path("nowhere"))
    _native._loaded.cache_clear()
    for one, other in zip(*answers, strict=True):
        assert torch.equal(one, other)


def test_the_kernel_stays_in_bounds_and_defined(tmp_path: Path) -> None:
    """Images of 1 x N and of odd sizes, points far away and NaN, under both sanitizers.

    They see, too, when the kernel is then told of more rows than there are.
    """
    compiler = next((found for found in map(shutil.which, ("gcc", "cc", "clang")) if found), None)
    if compiler is None:
        pytest.skip("there is no C compiler to build the kernel with sanitizers")
    library = tmp_path / "look.so"
    digest = hashlib.sha256(_native.SOURCE.read_bytes()).hexdigest()
    line = (
        *(compiler, "-std=c11", "-O1", "-g", "-fPIC", "-shared", "-ffp-contract=off"),
        *("-fsanitize=address,undefined", "-fno-sanitize-recover=all"),
        *(f'-DSOURCE_DIGEST="{digest}"', "-o", library, _native.SOURCE, "-lm"),
    )
    made = subprocess.run(line, capture_output=True, text=True, check=False)
    asked = (compiler, "-print-file-name=libasan.so")
    runtime = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    if made.returncode != 0 or not Path(runtime).is_absolute():
        pytest.skip(f"{compiler} has no sanitizers: {made.stderr.strip()[-200:]}")
    environment = {
        **{name: value for name, value in os.environ.items() if name != _native.VARIABLE},
        "LD_PRELOAD": runtime,
        "ASAN_OPTIONS": "detect_leaks=0",  # Python and torch keep memory to the end
        "ATEN_CPU_CAPABILITY": "default",  # the plain library, whatever the processor
    }
    program = Path(__file__).with_name("kernel_bounds.py")
    ran = subprocess.run(
        (sys.executable, program, library),
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert ran.stdout == "looked\n", ran.stderr[-2000:]
    assert ran.returncode != 0
    assert "AddressSanitizer: " in ran.stderr
    assert "look_linear" in ran.stderr
