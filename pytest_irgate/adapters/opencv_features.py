"""OpenCV's SIFT (Lowe 2004) and RANSAC (Fischler & Bolles 1981), under the gate's protocol.

Convention: a keypoint's `pt` is (x, y) in pixels, the first pixel's centre at (0, 0); the
estimators map the first list of points to the second: fixed to moving, the protocol's own.
"""

from typing import Any

import cv2
import numpy as np

from pytest_irgate.adapters.opencv_thread import one_thread

CONTRAST = 0.01
"""Of SIFT; at its default, 0.04, a 200 px photograph yields half as many points."""
RATIO = 0.75
"""Lowe's: how much nearer the best match must be than the second best."""
INLIER_PX = 1.0
"""Distance under which a match agrees with a transform. SIFT's points are good to a third of a
pixel; at the default, 3 px, weak matches are averaged in (0.11 for 0.06 px on `similarity`)."""
LEAST = {"translation": 2, "rigid": 2, "similarity": 2, "affine": 3, "homography": 4}
"""Matches that a model's estimator needs. Translation and rigid are read from a similarity."""


def register(fixed: Any, moving: Any, model: str, mask: Any = None, moving_mask: Any = None) -> Any:
    """Match points and fit the model; return `(2, 3)`, or `(3, 3)` for a homography, px.

    Descriptors do not see gain and offset, so that `intensity` is not asked for; points are found
    at any turn, so that no start is.

    Raises: RuntimeError, where too few points match or no transform explains them.
    """
    with one_thread():
        here, there = _matched(fixed, moving, mask, moving_mask, model)
        if model == "homography":
            matrix, agrees = cv2.findHomography(here, there, cv2.RANSAC, INLIER_PX)
        else:
            estimate = cv2.estimateAffine2D if model == "affine" else cv2.estimateAffinePartial2D
            matrix, agrees = estimate(
                here, there, method=cv2.RANSAC, ransacReprojThreshold=INLIER_PX
            )
    if matrix is None:
        raise RuntimeError(f"RANSAC found no {model} among {len(here)} matches")
    if model in ("translation", "rigid"):
        agreeing = agrees.ravel() == 1
        return _narrowed(matrix, model, here[agreeing].mean(axis=0), there[agreeing].mean(axis=0))
    return matrix


def _matched(fixed: Any, moving: Any, mask: Any, moving_mask: Any, model: str) -> Any:
    """Return the points of the matches in both images, two of `(n, 2)`, px."""
    # Without it the points of the doubled image are a quarter of its pixel off, and a turn of 75
    # degrees is found 0.5 px off.
    sift = cv2.SIFT.create(contrastThreshold=CONTRAST, enable_precise_upscale=True)
    (points, one), (others, other) = (
        sift.detectAndCompute(_bytes(image), None if trusted is None else trusted.astype(np.uint8))
        for image, trusted in ((fixed, mask), (moving, moving_mask))
    )
    matches = []
    if min(len(points), len(others)) >= 2:
        pairs = cv2.BFMatcher().knnMatch(one, other, k=2)
        matches = [best for best, second in pairs if best.distance < RATIO * second.distance]
    if len(matches) < LEAST[model]:
        raise RuntimeError(
            f"SIFT found {len(points)} and {len(others)} points and {len(matches)} matches, too "
            f"few for a {model}"
        )
    here = np.array([points[match.queryIdx].pt for match in matches])
    there = np.array([others[match.trainIdx].pt for match in matches])
    return here, there


def _narrowed(similarity: Any, model: str, here: Any, there: Any) -> Any:
    """Return the rigid motion or the shift that fits the agreeing matches best, `(2, 3)`.

    OpenCV has no estimator of a rigid motion. That of least squares turns as the similarity does
    and takes the centroid to the centroid (Umeyama 1991).

    Args:
        similarity: `(2, 3)`.
        model: `"rigid"` or `"translation"`.
        here, there: the centroids of the agreeing points, `(2,)`, px.
    """
    linear = np.eye(2)
    if model == "rigid":
        scale = float(np.sqrt(max(np.linalg.det(similarity[:, :2]), 0.0)))
        if scale == 0.0:
            raise RuntimeError("SIFT found no rigid motion: its matches agree on a scale of 0")
        linear = similarity[:, :2] / scale
    return np.column_stack([linear, there - linear @ here])


def _bytes(image: Any) -> Any:
    """Return an image in 8 bits, from its least to its largest value: SIFT takes nothing else."""
    image = np.asarray(image, dtype=np.float64)
    low, high = image.min(), image.max()
    return np.round(255 * (image - low) / (high - low or 1.0)).astype(np.uint8)


register.name = "OpenCV SIFT"  # type: ignore[attr-defined]
register.version = cv2.__version__  # type: ignore[attr-defined]
register.models = tuple(LEAST)  # type: ignore[attr-defined]
