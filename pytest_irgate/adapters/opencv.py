"""OpenCV's ECC (Evangelidis & Psarakis 2008), coarse to fine, under the gate's protocol.

Convention: `findTransformECC` returns a `(2, 3)` float32 matrix (a homography: `(3, 3)`) on
`(x, y)` pixels about the pixel origin that maps the template (fixed) to the input (moving): the
protocol's own, unchanged.
"""

from typing import Any

import cv2
import numpy as np

from pytest_irgate.adapters.opencv_thread import one_thread
from pytest_irgate.adapters.starts import start_in_model

LEVELS = 4
"""Halvings, and the full size: a motion of some 8 px per px of detail is in reach."""
SMALLEST = 16
"""Shortest side of a level, px: below, six parameters meet too few independent pixels."""
ITERATIONS = 200
STOP = 1e-7
"""Gain in correlation below which it stops (the default, 1e-3, stops short)."""
COARSE_BLUR, FINE_BLUR = 5, 1
"""Side of the Gaussian that ECC runs over both images, px. 5 is OpenCV's default, and coarse levels
need it; at full size it mixes in what lies beyond a border or a mask, and under a bias field it
pulls by 0.25 px: 1 is none."""

MOTIONS = {
    "translation": cv2.MOTION_TRANSLATION,
    "rigid": cv2.MOTION_EUCLIDEAN,
    "affine": cv2.MOTION_AFFINE,
    "homography": cv2.MOTION_HOMOGRAPHY,
}


def register(fixed: Any, moving: Any, model: str, mask: Any = None, init: Any = None) -> Any:
    """Register by ECC; return `(2, 3)`, or `(3, 3)` for a homography, fixed to moving, px.

    The correlation does not see gain and offset, so that `intensity` is not asked for.

    A coarse level that does not converge hands its start on; the last one must converge.

    Raises: RuntimeError, where the full-size level does not converge. Its last estimate would be
        an answer that OpenCV itself refuses to give.
    """
    return coarse_to_fine(fixed, moving, model, mask, init, STOP)


def coarse_to_fine(
    fixed: Any, moving: Any, model: str, mask: Any = None, init: Any = None, stop: float = STOP
) -> Any:
    """Do what `register` does, to another `stop`."""
    fixed, moving = (np.asarray(image, np.float32) for image in (fixed, moving))
    valid = np.full(fixed.shape, 255, np.uint8) if mask is None else 255 * mask.astype(np.uint8)
    levels = [(fixed, moving, valid)]
    while len(levels) < LEVELS and min(*levels[-1][0].shape, *levels[-1][1].shape) >= 2 * SMALLEST:
        fine, coarse_moving, trusted = levels[-1]
        # pyrDown keeps every second pixel from the first on: (x, y) halves, with no offset. A
        # coarse pixel is trusted where all that it averages is.
        smaller = (cv2.pyrDown(trusted) == 255).astype(np.uint8) * 255
        levels.append((cv2.pyrDown(fine), cv2.pyrDown(coarse_moving), smaller))

    # ECC leaves what its model has no parameter for as it came.
    start = start_in_model(init, model, fixed.shape, "OpenCV")
    warp = start[: 3 if model == "homography" else 2].astype(np.float32)
    warp = _rescaled(warp, 0.5 ** (len(levels) - 1))
    with one_thread():
        for level in reversed(range(len(levels))):
            try:
                blur = COARSE_BLUR if level else FINE_BLUR
                warp = _ecc(*levels[level], warp.copy(), MOTIONS[model], blur, stop)
            except cv2.error as error:
                if error.code != cv2.Error.StsNoConv:
                    raise
                if level == 0:
                    raise RuntimeError(
                        "findTransformECC did not converge: the images are too far apart, or do "
                        "not correlate"
                    ) from None
            if level:
                warp = _rescaled(warp, 2.0)
    return warp


def _rescaled(warp: Any, factor: float) -> Any:
    """Return S W S^-1, S = diag(factor, factor, 1): W on a grid of other spacing."""
    scales = np.array([factor, factor, 1.0], np.float32)
    return warp * scales[: len(warp), None] / scales


def _ecc(
    fixed: Any, moving: Any, valid: Any, warp: Any, motion: int, blur: int, stop: float
) -> Any:
    """Call ECC once, with the mask on the fixed image."""
    until = cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, ITERATIONS, stop
    if hasattr(cv2, "findTransformECCWithMask"):
        everywhere = np.full(moving.shape, 255, np.uint8)
        return cv2.findTransformECCWithMask(
            fixed, moving, valid, everywhere, warp, motion, until, blur
        )[1]
    if valid.all():
        return cv2.findTransformECC(fixed, moving, warp, motion, until, None, blur)[1]
    # Before 4.13 the only mask is on the input image: the roles change, and the answer is inverted.
    # ECC differentiates and interpolates the input, and so reads two pixels across the mask's edge.
    valid = cv2.erode(valid, np.ones((5, 5), np.uint8))
    back = _inverted(warp)
    back = cv2.findTransformECC(moving, fixed, back, motion, until, valid, blur)[1]
    return _inverted(back)


def _inverted(warp: Any) -> Any:
    return cv2.invertAffineTransform(warp) if len(warp) == 2 else np.linalg.inv(warp)


register.name = "OpenCV ECC"  # type: ignore[attr-defined]
register.version = cv2.__version__  # type: ignore[attr-defined]
register.models = tuple(MOTIONS)  # type: ignore[attr-defined]
# Measured: from the identity it finds all turns to 20 degrees and shifts to 16 px; of turns from 30
# degrees on and of shifts from 45 px on some or all are lost.
register.reach = {"degrees": 25, "px": 30}  # type: ignore[attr-defined]
