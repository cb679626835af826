"""The peers, each in the few lines that its user would write, all from fixed to moving pixels.

A peer is a function of a `Case`; it returns the displacement `(H, W, 2)`, last axis (dx, dy), px,
or raises `NotSupported`. All work in one thread, so that times compare algorithms.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

Array = NDArray[np.float64]

PYRAMID = 4
"""Levels of the ECC pyramid, as many as the bundled solver has."""
ECC_STOP = (200, 1e-7)
"""Iterations and correlation increment at which ECC stops."""


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
    """Return T(x) - x of a homogeneous matrix on (x, y, 1)."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float64)
    mapped = np.stack((x, y, np.ones_like(x)), -1) @ np.asarray(matrix, dtype=np.float64)[:2].T
    return mapped - np.stack((x, y), -1)


def bundled(case: Case) -> Array:
    """Run the bundled solver, as it comes."""
    return _bundled(case, "linear")


def bundled_cubic(case: Case) -> Array:
    """Run the bundled solver with cubic sampling."""
    return _bundled(case, "cubic")


def _bundled(case: Case, sampling: str) -> Array:
    from irgate_solver import register

    result = register(
        case.fixed, case.moving, model=case.model, intensity=case.intensity, sampling=sampling
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


def ecc(case: Case) -> Array:
    """Run OpenCV's findTransformECC at full resolution."""
    return field_of(_ecc(case, np.eye(2, 3, dtype=np.float32), case.fixed, case.moving), case.shape)


def ecc_pyramid(case: Case) -> Array:
    """Run OpenCV's findTransformECC coarse to fine, with an all-true mask."""
    import cv2

    pairs = [(case.fixed, case.moving)]
    for _ in range(PYRAMID - 1):
        fixed, moving = pairs[-1]
        if min(*fixed.shape, *moving.shape) < 32:
            break
        pairs.append((cv2.pyrDown(fixed), cv2.pyrDown(moving)))
    warp = np.eye(2, 3, dtype=np.float32)
    for level, (fixed, moving) in enumerate(reversed(pairs)):
        if level:
            warp[:, 2] *= 2
        warp = _ecc(case, warp, fixed, moving)
    return field_of(warp, case.shape)


def _ecc(
    case: Case, start: NDArray[np.float32], fixed: NDArray[np.float32], moving: NDArray[np.float32]
) -> NDArray[np.float32]:
    try:
        import cv2
    except ImportError as cause:
        raise NotSupported("opencv-python-headless is not installed") from cause
    kinds = {
        "translation": cv2.MOTION_TRANSLATION,
        "rigid": cv2.MOTION_EUCLIDEAN,
        "affine": cv2.MOTION_AFFINE,
    }
    if case.model not in kinds:
        raise NotSupported("ECC has no free-form deformation")
    cv2.setNumThreads(1)
    criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, *ECC_STOP)
    mask = np.full(moving.shape, 255, dtype=np.uint8)
    _, warp = cv2.findTransformECC(
        fixed, moving, start.copy(), kinds[case.model], criteria, mask, 5
    )
    return warp


def stackreg(case: Case) -> Array:
    """Run pystackreg (Thevenaz, Ruttimann & Unser 1998)."""
    try:
        from pystackreg import StackReg
    except ImportError as cause:
        raise NotSupported("pystackreg is not installed") from cause
    kinds = {
        "translation": StackReg.TRANSLATION,
        "rigid": StackReg.RIGID_BODY,
        "affine": StackReg.AFFINE,
    }
    if case.model not in kinds:
        raise NotSupported("pystackreg has no free-form deformation")
    # It wants one size; a copy, as it works in place.
    matrix = StackReg(kinds[case.model]).register(case.fixed.copy(), case.moving.copy())
    return field_of(matrix, case.shape)


PEERS: dict[str, Callable[[Case], Array]] = {
    "bundled": bundled,
    "bundled cubic": bundled_cubic,
    "SimpleITK oracle": oracle,
    "SimpleITK as used": simpleitk_as_used,
    "OpenCV ECC": ecc,
    "OpenCV ECC pyramid": ecc_pyramid,
    "pystackreg": stackreg,
}


def one_thread() -> None:
    """Let torch and ITK work in one thread (OpenCV's is set in its peer)."""
    import SimpleITK as sitk

    torch.set_num_threads(1)
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
