"""A start value, brought into the family that the answer is wanted in."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from irgate_battery.interface.conventions import image_centred, matrix_from_pixels, matrix_to_pixels


def start_in_model(
    init: Any, model: str, shape: tuple[int, int], library: str
) -> NDArray[np.float64]:
    """Return the member of a family that is nearest to a start, `(3, 3)`, fixed to moving, px.

    Several libraries keep of a start what their own parameters cannot undo: a translation that
    starts turned stays turned. The middle of the fixed image goes where the start takes it; a
    rigid motion turns by the start's nearest rotation, U V^T of the singular value decomposition
    (Schoenemann 1966, without a reflection), and a similarity scales by the mean singular value.

    Args:
        init: the protocol's, or `None` for the identity.
        model: `"translation"`, `"rigid"`, `"similarity"` or anything larger.
        shape: `(H, W)` of the fixed image.
        library: named in the error.
    Raises: ValueError for a dense start: which matrix it means is for the user to say.

    """
    if init is None:
        return np.eye(3)
    if init.matrix is None:
        raise ValueError(f"the adapter of {library} starts from a matrix, not from a displacement")
    about = matrix_from_pixels(init.matrix, image_centred(shape))
    if model == "translation":
        about[:2, :2] = np.eye(2)
    elif model in ("rigid", "similarity"):
        u, sizes, v = np.linalg.svd(about[:2, :2])
        scale = sizes.mean() if model == "similarity" else 1.0
        about[:2, :2] = scale * u @ np.diag([1.0, np.linalg.det(u @ v)]) @ v
    return matrix_to_pixels(about, image_centred(shape))
