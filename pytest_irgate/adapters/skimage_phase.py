"""scikit-image's sub-pixel cross-correlation (Guizar-Sicairos et al. 2008), under the protocol.

Convention: `phase_cross_correlation` returns the shift `(row, column)` that moves the moving image
onto the fixed one. Its points go the other way: T(x) = x - shift, with x and y swapped.
"""

from typing import Any

import numpy as np
import skimage
from skimage.registration import phase_cross_correlation

from irgate_battery.interface.conventions import invert_matrix, matrix_to_pixels, row_column
from pytest_irgate.adapters.sizes import require_one_size

UPSAMPLING = 1000
"""Steps per pixel at which the peak is looked up: a thousandth of a pixel."""


def register(fixed: Any, moving: Any) -> Any:
    """Return the translation, `(3, 3)`, fixed to moving, px.

    Twice: both images are cropped to what the first answer's whole pixels leave in common, so that
    what the window and the periodic borders pull by is only part of the last half pixel.

    Raises: ValueError for images of two sizes.
    """
    require_one_size(fixed, moving, "scikit-image")
    images = [fixed.astype(np.float64), moving.astype(np.float64)]
    shift = np.zeros(2)
    for _ in range(2):
        whole = np.rint(shift).astype(int)
        shift = whole + _shift(_cropped(images[0], whole), _cropped(images[1], -whole))
    onto_fixed = np.eye(3)
    onto_fixed[:2, 2] = shift
    return matrix_to_pixels(invert_matrix(onto_fixed), row_column())


def _shift(fixed: Any, moving: Any) -> Any:
    """Return the peak of the cross-correlation, (row, column).

    A window, since images are not periodic. Not normalised to phases: a smooth scene has none to
    speak of in most frequencies, and the peak would be that of rounding (4 px off on this gate's).
    """
    window = np.outer(*(np.hanning(n) for n in fixed.shape))
    images = [(image - image.mean()) * window for image in (fixed, moving)]
    return phase_cross_correlation(*images, upsample_factor=UPSAMPLING, normalization=None)[0]


def _cropped(image: Any, shift: Any) -> Any:
    """Return the part of an image that is still on it after a shift by whole pixels."""
    return image[
        tuple(slice(max(k, 0), n + min(k, 0)) for k, n in zip(shift, image.shape, strict=True))
    ]


register.name = "scikit-image cross-correlation"  # type: ignore[attr-defined]
register.version = skimage.__version__  # type: ignore[attr-defined]
register.models = ("translation",)  # type: ignore[attr-defined]
# Measured: it finds shifts to 14 px. A shift by 64 px, 40 % of a side, it loses: what the two
# images have in common then lies where the window fades.
register.reach = {"px": 30}  # type: ignore[attr-defined]
