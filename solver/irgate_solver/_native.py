"""The compiled kernel: loaded by ctypes where it was built, checked, and handed tensors.

`_look.c` makes warp, residual, gradient and normal equations in one pass over the images, which in
torch take some forty passes. It is an addition: what it does torch does too, and torch is the
reference. It serves images on the CPU that need no gradient, with the metrics of single pixels;
everything else goes through torch. `IRGATE_KERNEL=0` in the environment turns it off.

A library of another version of the source is not used: its digest is compiled into it.
"""

import ctypes
import hashlib
import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

VARIABLE = "IRGATE_KERNEL"
"""The environment's variable that turns the kernel off where it is "0"."""
SOURCE = Path(__file__).with_name("_look.c")
PLAIN = Path(__file__).with_name("libirgate_look.so")
WIDE = Path(__file__).with_name("libirgate_look_avx2.so")
"""What `hatch_build.py` makes of it: for any processor, and for those with AVX2 (the same bits)."""

_INTEGERS = (
    *("batch", "height", "width", "rows", "columns", "row_functions", "column_functions"),
    *("functions", "size", "sampler", "metric", "exact", "frozen", "matrix"),
)
_NUMBERS = ("scale", "middle_x", "half_x", "middle_y", "half_y", "most_hidden")
_POINTERS = (
    *("y", "x", "row_values", "column_values", "row_cells", "column_cells"),
    *("active", "fixed", "weights", "moving", "slopes", "hidden", "trusted", "huber"),
    *("coefficients", "jacobian", "figures", "by_parameters", "by_coefficients", "normal"),
    *("moved", "valid"),
)
_RULE_INTEGERS = ("family", "composes", "points", "iterations", "patience")
_RULE_NUMBERS = (
    *("radius", "aspect", "tolerance", "near", "undamped", "no_progress"),
    *("damping_ratio", "damping_floor", "damping_ceiling", "rejected", "gauge"),
    *("kept", "overlap_floor", "slack_share"),
)
_RULE_POINTERS = (
    *("probes", "slack", "steady", "coefficients", "jacobian", "p"),
    *("damping", "moved", "state", "steps"),
)


class Arguments(ctypes.Structure):
    """The kernel's `look`, field by field."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in _INTEGERS),
        *((name, ctypes.c_double) for name in _NUMBERS),
        *((name, ctypes.c_void_p) for name in _POINTERS),
    )


class Rules(ctypes.Structure):
    """The kernel's `descent`, field by field."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in _RULE_INTEGERS),
        *((name, ctypes.c_double) for name in _RULE_NUMBERS),
        *((name, ctypes.c_void_p) for name in _RULE_POINTERS),
    )


def kernel() -> str:
    """Return which path solves on the CPU: "native" (": AVX2"), or "torch" and why.

    Both give the same answers (`tests/solver/test_kernel.py`); the native one is quicker. Images
    that require a gradient, other metrics than SSD, NCC and Huber's, homographies and other devices
    go through torch on either path.
    """
    if os.environ.get(VARIABLE) == "0":
        return f"torch: {VARIABLE}=0"
    return _loaded()[1]


def library() -> ctypes.CDLL | None:
    """Return the kernel where it was built and is not turned off."""
    return None if os.environ.get(VARIABLE) == "0" else _loaded()[0]


@cache
def _loaded() -> tuple[ctypes.CDLL | None, str]:
    """Return the library and what `kernel` says."""
    wide = torch.backends.cpu.get_cpu_capability() in ("AVX2", "AVX512") and WIDE.exists()
    if wide:
        return _load(WIDE, "native: AVX2")
    return _load(PLAIN, "native")


def _load(path: Path, name: str) -> tuple[ctypes.CDLL | None, str]:
    """Return the library at `path` and what `kernel` says: `name` where it is of this version."""
    if not path.exists():
        return None, "torch: this install has no compiled kernel"
    try:
        found = ctypes.CDLL(str(path))
        found.irgate_look_digest.restype = ctypes.c_char_p
        digest = found.irgate_look_digest()
    except (OSError, AttributeError):
        return None, "torch: the compiled kernel cannot be loaded; install again"
    if digest != hashlib.sha256(SOURCE.read_bytes()).hexdigest().encode():
        return None, "torch: the compiled kernel is of another version; install again"
    for suffix in ("f32", "f64"):
        for entry in ("irgate_look", "irgate_warp"):
            function = getattr(found, f"{entry}_{suffix}")
            function.argtypes, function.restype = (ctypes.POINTER(Arguments),), ctypes.c_int
        function = getattr(found, f"irgate_descend_{suffix}")
        function.argtypes = (ctypes.POINTER(Arguments), ctypes.POINTER(Rules))
        function.restype = ctypes.c_int
        for entry, pointers in (("irgate_spline", 2), ("irgate_halve", 5)):
            function = getattr(found, f"{entry}_{suffix}")
            function.argtypes = (*(ctypes.c_int64,) * 3, *(ctypes.c_void_p,) * pointers)
            function.restype = ctypes.c_int
        function = getattr(found, f"irgate_smooth_{suffix}")
        function.argtypes = (*(ctypes.c_int64,) * 4, *(ctypes.c_void_p,) * 3)
        function.restype = ctypes.c_int
        function = getattr(found, f"irgate_slopes_{suffix}")
        function.argtypes = (*(ctypes.c_int64,) * 3, ctypes.c_double, *(ctypes.c_void_p,) * 2)
        function.restype = ctypes.c_int
    count, address = ctypes.c_int64, ctypes.c_void_p
    for entry, pointers in (("irgate_factor", 4), ("irgate_solve", 3)):
        function = getattr(found, entry)
        function.argtypes, function.restype = (*(count,) * 3, *(address,) * pointers), ctypes.c_int
    found.irgate_step.argtypes = (count, count, ctypes.c_double, *(address,) * 5)
    found.irgate_step.restype = ctypes.c_int
    return found, name


def serves(*tensors: Tensor | None) -> bool:
    """Return whether the kernel is there and takes these: floats on the CPU, without a graph."""
    if library() is None:
        return False
    recording = torch.is_grad_enabled()
    return all(
        tensor is None
        or (
            tensor.is_cpu
            and tensor.dtype in (torch.float32, torch.float64)
            and not (recording and tensor.requires_grad)
        )
        for tensor in tensors
    )


def call(name: str, dtype: torch.dtype | None, *arguments: object) -> None:
    """Call the kernel's function `name`, for images of `dtype` where it depends on that.

    Raises:
        MemoryError: it found no memory.

    """
    if dtype is not None:
        name = f"{name}_f32" if dtype == torch.float32 else f"{name}_f64"
    found = _loaded()[0]
    assert found is not None
    if getattr(found, name)(*arguments) != 0:
        raise MemoryError("register: no memory for the sums of a look")


def checked(what: str, tensor: Tensor, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """Return `tensor`, contiguous, where the kernel may read it.

    Raises:
        ValueError: it has another shape or type, or lies on another device.

    """
    if tensor.shape != shape or tensor.dtype != dtype or not tensor.is_cpu:
        raise ValueError(
            f"kernel: {what} is {tuple(tensor.shape)}, {tensor.dtype} on {tensor.device}; expected "
            f"{shape}, {dtype} on cpu"
        )
    return tensor.contiguous()


def framed_spline(image: Tensor) -> Tensor:
    """Return the cubic spline's coefficients, framed, `(B, H + 4, W + 4)` (`_sampling.Cubic`)."""
    batch, height, width = image.shape
    image = image.contiguous()
    framed = torch.empty(batch, height + 4, width + 4, dtype=image.dtype)
    pointers = image.data_ptr(), framed.data_ptr()
    call("irgate_spline", image.dtype, batch, height, width, *pointers)
    return framed


def smoothed(planes: Tensor, taps: Tensor) -> Tensor:
    """Return `planes` `(B, C, h, w)` convolved by rows and columns (`_windows.smooth`).

    Args:
        planes: zeros beyond their border.
        taps: of a symmetric kernel, from the middle one outwards, `(radius + 1,)`, float64.

    """
    batch, channels, height, width = planes.shape
    planes = planes.contiguous()
    taps = checked("taps", taps, (len(taps),), torch.float64)
    found = torch.empty_like(planes)
    sizes = batch * channels, height, width, len(taps) - 1
    pointers = taps.data_ptr(), planes.data_ptr(), found.data_ptr()
    call("irgate_smooth", planes.dtype, *sizes, *pointers)
    return found


def halved(image: Tensor, taps: Tensor, row_border: Tensor, column_border: Tensor) -> Tensor:
    """Return `image` `(B, h, w)` halved in size (`_pyramid.halve`).

    Args:
        image: any size.
        taps: the blur's first four weights, float64, the middle one last.
        row_border, column_border: one over the weights that fall into the image.

    """
    batch, height, width = image.shape
    sides = (height + 1) // 2, (width + 1) // 2
    parts = (
        checked("taps", taps, (4,), torch.float64),
        checked("row_border", row_border, sides[:1], image.dtype),
        checked("column_border", column_border, sides[1:], image.dtype),
        image.contiguous(),
        torch.empty(batch, *sides, dtype=image.dtype),
    )
    pointers = (part.data_ptr() for part in parts)
    call("irgate_halve", image.dtype, batch, height, width, *pointers)
    return parts[-1]


def slopes(image: Tensor, share: float) -> Tensor:
    """Return `_template.gradient` of `image` `(B, h, w)`, `(B, 2, h, w)`: sums times `share`."""
    batch, height, width = image.shape
    image = image.contiguous()
    found = torch.empty(batch, 2, height, width, dtype=image.dtype)
    pointers = image.data_ptr(), found.data_ptr()
    call("irgate_slopes", image.dtype, batch, height, width, share, *pointers)
    return found


MOST_PARAMETERS = 8
"""The kernel's: of the families whose steps it solves for."""


def damped_step(
    normal: Tensor, gradient: Tensor, damping: Sequence[float], gauge: float
) -> tuple[Tensor, Tensor]:
    """Return what `_levenberg.damped_step` does, of `MOST_PARAMETERS` at most.

    Args:
        normal, gradient: `(B, n, n)` and `(B, n)`, float64.
        damping: lambda of each pair.
        gauge: floor of the damped diagonal, relative to its mean.

    """
    batch, size = gradient.shape
    normal = checked("normal", normal, (batch, size, size), torch.float64)
    gradient = checked("by_parameters", gradient, (batch, size), torch.float64)
    step = torch.empty(batch, size, dtype=torch.float64)
    info = torch.empty(batch, dtype=torch.int64)
    shares = (ctypes.c_double * batch)(*damping)
    pointers = normal.data_ptr(), gradient.data_ptr(), shares, step.data_ptr(), info.data_ptr()
    call("irgate_step", None, batch, size, gauge, *pointers)
    return step, info
