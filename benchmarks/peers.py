"""The peers, all from fixed to moving pixels, set up by their adapters where they have one.

One definition for the gate and for the benchmarks: what an adapter has learnt about its library (a
blur that must be off on the full images, a stop that is not too early) holds here too. A peer is a
function of a `Case`; it returns the displacement `(H, W, 2)`, last axis (dx, dy), px, or raises
`NotSupported`. All work in one thread, so that times compare algorithms.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

Array = NDArray[np.float64]


class NotSupported(Exception):
    """The peer has no such model, or is not installed."""


@dataclass(frozen=True)
class Case:
    """What is registered: float32 images `(H, W)`, the family, and the kind of intensities."""

    fixed: NDArray[np.float32]
    moving: NDArray[np.float32]
    model: str
    intensity: str

    @property
    def shape(self) -> tuple[int, int]:
        """Return the fixed image's (H, W)."""
        return self.fixed.shape[0], self.fixed.shape[1]


def field_of(matrix: Array, shape: tuple[int, int]) -> Array:
    """Return T(x) - x of a homogeneous matrix on (x, y, 1), `(2, 3)` or `(3, 3)`."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float64)
    mapped = np.stack((x, y, np.ones_like(x)), -1) @ np.asarray(matrix, dtype=np.float64).T
    if mapped.shape[-1] == 3:
        mapped = mapped[..., :2] / mapped[..., 2:]
    return mapped - np.stack((x, y), -1)


def bundled(case: Case, tolerance: float | None = None, smoothing: float | str = 0.0) -> Array:
    """Run the bundled solver, as it comes; to another tolerance, px, where one is given."""
    return _bundled(case, "linear", smoothing, tolerance)


def bundled_cubic(case: Case, tolerance: float | None = None) -> Array:
    """Run the bundled solver with cubic sampling."""
    return _bundled(case, "cubic", tolerance=tolerance)


def bundled_smoothed(case: Case) -> Array:
    """Run the bundled solver with cubic sampling, smoothed where it sees noise."""
    return _bundled(case, "cubic", "auto")


def _bundled(
    case: Case, sampling: str, smoothing: float | str = 0.0, tolerance: float | None = None
) -> Array:
    from irgate_solver import register

    result = register(
        case.fixed,
        case.moving,
        model=case.model,
        intensity=case.intensity,
        sampling=sampling,
        smoothing=smoothing,
        tolerance=tolerance,
    )
    return result.displacement().numpy()


def oracle(case: Case) -> Array:
    """Run the gate's oracle: SimpleITK searched, descended and polished until it converges."""
    from irgate_battery.oracle import solve

    found = solve(case.fixed, case.moving, case.model, case.intensity)
    return np.asarray(found.transform.displacement(case.shape))


def simpleitk_as_used(case: Case) -> Array:
    """Run SimpleITK as its users set it up: the gate's own adapter, without a search."""
    from pytest_irgate.adapters.simpleitk import register

    found = register(case.fixed, case.moving, case.model, intensity=case.intensity)
    return found if case.model == "ffd" else field_of(found, case.shape)


def ecc(case: Case, stop: float | None = None) -> Array:
    """Run OpenCV's findTransformECC coarse to fine, by the gate's adapter.

    Args:
        case: the pair.
        stop: gain in correlation below which it stops; the adapter's where not given.

    """
    if stop is None:
        return _by_adapter("opencv", case)
    _opencv()
    from pytest_irgate.adapters.opencv import coarse_to_fine

    found = coarse_to_fine(case.fixed, case.moving, case.model, stop=stop)
    return field_of(found, case.shape)


def stackreg(case: Case) -> Array:
    """Run pystackreg (Thevenaz, Ruttimann & Unser 1998), by the gate's adapter."""
    return _by_adapter("pystackreg", case)


def _by_adapter(name: str, case: Case) -> Array:
    """Run an adapter that answers with a matrix."""
    try:
        adapter = importlib.import_module(f"pytest_irgate.adapters.{name}").register
    except ImportError as cause:
        raise NotSupported(f"the library of the adapter {name} is not installed") from cause
    if case.model not in adapter.models:
        raise NotSupported(f"{adapter.name} has no {case.model}")
    # Copies, as some libraries work in place.
    return field_of(adapter(case.fixed.copy(), case.moving.copy(), case.model), case.shape)


def sift(case: Case) -> Array:
    """Run OpenCV's SIFT with RANSAC, by the gate's adapter."""
    return _by_adapter("opencv_features", case)


def dis(case: Case) -> Array:
    """Run OpenCV's dense inverse search, its medium preset: a flow, for deformations."""
    if case.model != "ffd":
        raise NotSupported("DIS is a flow: it has no linear family")
    cv2 = _opencv()
    flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    low = min(case.fixed.min(), case.moving.min())
    high = max(case.fixed.max(), case.moving.max())
    one, other = (_bytes(image, low, high) for image in (case.fixed, case.moving))
    return np.asarray(flow.calc(one, other, None), dtype=np.float64)


def _opencv() -> Any:
    try:
        import cv2
    except ImportError as cause:
        raise NotSupported("opencv-python-headless is not installed") from cause
    cv2.setNumThreads(1)
    cv2.setRNGSeed(0)
    return cv2


def _bytes(image: Any, low: Any = None, high: Any = None) -> NDArray[np.uint8]:
    """Return an image in 8 bits, which is what these take."""
    low, high = image.min() if low is None else low, image.max() if high is None else high
    return np.round(255 * (image - low) / (high - low)).astype(np.uint8)


PEERS: dict[str, Callable[[Case], Array]] = {
    "bundled": bundled,
    "bundled cubic": bundled_cubic,
    "bundled cubic, smoothing auto": bundled_smoothed,
    "SimpleITK oracle": oracle,
    "SimpleITK as used": simpleitk_as_used,
    "OpenCV ECC": ecc,
    "OpenCV SIFT": sift,
    "OpenCV DIS": dis,
    "pystackreg": stackreg,
}


def one_thread() -> None:
    """Let torch and ITK work in one thread (OpenCV's is set in its peer)."""
    import SimpleITK as sitk

    torch.set_num_threads(1)
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
