"""Conventions of other libraries, and the way from each to this project's pixels and back.

    T(x) on (x, y) in pixels, about the pixel origin, from the fixed image to the moving image

A library writes the same map in coordinates of its own: millimetres, [-1, 1], (row, column), about
a centre. A *frame* says which: a `(3, 3)` matrix F that takes a pixel's `(x, y, 1)` to the
library's coordinates. Frames are multiplied where a library mixes conventions: what stands on
the right acts first.

    M = F_moving^-1 M' F_fixed          a matrix M' in the library's coordinates, in pixels
    x + u(x) = F_moving^-1 (F_fixed x + u'(x))         a displacement u'

numpy only. Points and displacements are float64; arrays that come in are never written to.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irgate_fixtures import image_centre, pixel_grid

Array = NDArray[np.float64]

INVERSION_PX = 1e-3
"""Largest distance, px, between a point and where it returns to: two places this near are one."""
INVERSION_STEPS = 200
"""A gentle displacement needs about ten steps, one that nearly folds about a hundred."""


def centred(centre: ArrayLike) -> Array:
    """Return the frame whose origin lies at a point: x' = x - c.

    A matrix "about the centre", T(x) = A (x - c) + c + t, is [A t] in this frame, for the fixed and
    the moving image alike (ITK's transforms with a centre). A library that centres each image at
    its own middle needs one frame for each.

    Args:
        centre: c, `(x, y)` in pixels: `image_centre(shape)` for the middle of an image.

    """
    c = np.asarray(centre, dtype=np.float64)
    if c.shape != (2,):
        raise ValueError(f"a centre is (x, y), got an array of shape {c.shape}")
    return _homogeneous(np.eye(2), -c)


def image_centred(shape: Sequence[int]) -> Array:
    """Return the frame whose origin is the middle of an `(H, W)` image, ((W-1)/2, (H-1)/2)."""
    return centred(image_centre(shape))


def physical(
    spacing: ArrayLike = (1.0, 1.0),
    origin: ArrayLike = (0.0, 0.0),
    direction: ArrayLike = ((1.0, 0.0), (0.0, 1.0)),
) -> Array:
    """Return the frame of physical points: x' = D diag(s) x + o, as in ITK.

    Args:
        spacing: s, `(sx, sy)`, physical units per pixel, positive.
        origin: o, `(x, y)`, where the centre of the first pixel lies, physical units.
        direction: D, `(2, 2)` or its four numbers row by row, as `GetDirection()` gives them.

    """
    s, o = np.asarray(spacing, dtype=np.float64), np.asarray(origin, dtype=np.float64)
    if s.shape != (2,) or o.shape != (2,) or not (s > 0).all():
        raise ValueError(
            f"spacing is two positive numbers and origin two numbers, (x, y); got {s.tolist()} "
            f"and {o.tolist()}"
        )
    return _homogeneous(np.reshape(np.asarray(direction, dtype=np.float64), (2, 2)) * s, o)


def normalised(shape: Sequence[int], *, align_corners: bool) -> Array:
    """Return the frame of an `(H, W)` image's own square from -1 to 1, as in torch.

        align_corners=True:    x' = 2 x / (W - 1) - 1        -1 and 1 are the outer pixels' centres
        align_corners=False:   x' = (2 x + 1) / W - 1        ... the outer pixels' outer edges

    and y' with H. The square is the image's own, so that a rotation in it is a shear in pixels
    where H and W differ.
    """
    height, width = shape
    size = np.array([width, height], dtype=np.float64)
    if align_corners:
        if (size < 2).any():
            raise ValueError(f"align_corners=True needs two pixels a side, got shape {shape}")
        return _homogeneous(np.diag(2 / (size - 1)), np.array([-1.0, -1.0]))
    return _homogeneous(np.diag(2 / size), 1 / size - 1)


def row_column() -> Array:
    """Return the frame of array indices: (x, y) becomes (row, column) = (y, x)."""
    return _homogeneous(np.array([[0.0, 1.0], [1.0, 0.0]]), np.zeros(2))


def matrix_to_pixels(
    matrix: ArrayLike, fixed_frame: Array, moving_frame: Array | None = None
) -> Array:
    """Return M = F_moving^-1 M' F_fixed, `(3, 3)`, from fixed to moving pixels, (x, y).

    Args:
        matrix: M', `(2, 3)` or `(3, 3)`, from fixed to moving in the library's coordinates.
        fixed_frame, moving_frame: F, `(3, 3)`; one will do where the two images share it.

    """
    moving = fixed_frame if moving_frame is None else moving_frame
    back = _inverse(moving)
    return back @ _three_by_three(matrix) @ fixed_frame


def matrix_from_pixels(
    matrix: ArrayLike, fixed_frame: Array, moving_frame: Array | None = None
) -> Array:
    """Return M' = F_moving M F_fixed^-1, `(3, 3)`: undoes `matrix_to_pixels`."""
    moving = fixed_frame if moving_frame is None else moving_frame
    return moving @ _three_by_three(matrix) @ _inverse(fixed_frame)


def invert_matrix(matrix: ArrayLike) -> Array:
    """Return the matrix of the way back: push (moving to fixed) to pull (fixed to moving).

    Raises: ValueError where there is no way back.
    """
    forward = _three_by_three(matrix)
    if abs(np.linalg.det(forward)) < np.finfo(np.float64).eps:
        raise ValueError(f"the matrix {forward.tolist()} is singular and has no inverse")
    return _inverse(forward)


def displacement_to_pixels(
    displacement: ArrayLike, fixed_frame: Array, moving_frame: Array | None = None
) -> Array:
    """Return u(x) = F_moving^-1 (F_fixed x + u'(x)) - x, `(H, W, 2)`, last axis (dx, dy), px.

    Args:
        displacement: u', `(H, W, 2)`, one vector per fixed pixel, in the library's coordinates:
            from the place of the fixed pixel to the place that matches it in the moving image.
        fixed_frame, moving_frame: F, `(3, 3)`; one will do where the two images share it.

    """
    field = _field(displacement)
    moving = fixed_frame if moving_frame is None else moving_frame
    grid = pixel_grid(field.shape[:2])
    # As differences, so that a displacement of zero stays zero to the bit where the frames agree.
    back = _inverse(moving)
    still = back @ (fixed_frame - moving)
    found: Array = field @ back[:2, :2].T + grid @ still[:2, :2].T + still[:2, 2]
    return found


def displacement_from_pixels(
    displacement: ArrayLike, fixed_frame: Array, moving_frame: Array | None = None
) -> Array:
    """Return u'(x) = F_moving (x + u(x)) - F_fixed x: undoes `displacement_to_pixels`."""
    field = _field(displacement)
    moving = fixed_frame if moving_frame is None else moving_frame
    grid = pixel_grid(field.shape[:2])
    still = moving - fixed_frame
    return field @ moving[:2, :2].T + grid @ still[:2, :2].T + still[:2, 2]


def grid_to_displacement(grid: ArrayLike, moving_frame: Array) -> Array:
    """Return u(x) = F_moving^-1 g(x) - x from a sampling grid, `(H, W, 2)`, (dx, dy), px.

    Args:
        grid: g, `(H, W, 2)`: for each fixed pixel the place in the moving image where it is read,
            in the library's coordinates (`torch.nn.functional.grid_sample`'s grid).
        moving_frame: F, `(3, 3)`.

    """
    places = _field(grid)
    back = _inverse(moving_frame)
    return places @ back[:2, :2].T + back[:2, 2] - pixel_grid(places.shape[:2])


def displacement_to_grid(displacement: ArrayLike, moving_frame: Array) -> Array:
    """Return g(x) = F_moving (x + u(x)), `(H, W, 2)`: undoes `grid_to_displacement`."""
    field = _field(displacement)
    places = pixel_grid(field.shape[:2]) + field
    return places @ moving_frame[:2, :2].T + moving_frame[:2, 2]


def components_last(field: ArrayLike) -> Array:
    """Return `(H, W, 2)` from `(2, H, W)`; the order of the two components stays."""
    array = np.asarray(field, dtype=np.float64)
    if array.ndim != 3 or array.shape[0] != 2:
        raise ValueError(f"a field with its components first is (2, H, W), got {array.shape}")
    return np.moveaxis(array, 0, -1)


def components_first(field: ArrayLike) -> Array:
    """Return `(2, H, W)` from `(H, W, 2)`; the order of the two components stays."""
    return np.moveaxis(_field(field), -1, 0)


def invert_displacement(
    displacement: ArrayLike, shape: Sequence[int] | None = None, residual_px: float = INVERSION_PX
) -> Array:
    """Return the displacement of the way back: push (moving to fixed) to pull (fixed to moving).

    With S(y) = y + w(y) given on the moving image's pixels, y = T(x) solves S(y) = x at each fixed
    pixel x. It is the fixed point of

        y <- y - A^-1 (S(y) - x)

    with A the linear part of the affine map nearest to S: so a rotation of any size is undone at
    once, and the steps only have what is not affine to work off. They contract where
    |I - A^-1 dS/dy| < 1, which a field that folds does not satisfy. w is interpolated linearly;
    beyond the moving image's outermost pixels it goes on as at the nearest of them.

    Args:
        displacement: w, `(H, W, 2)` on the moving image's pixels, last axis (dx, dy), px.
        shape: `(H, W)` of the fixed image; the moving image's if not given.
        residual_px: largest |S(T(x)) - x| that is accepted, over the fixed pixels whose T(x) lies
            on the moving image.
    Returns: u(x) = T(x) - x on the fixed image's pixels, `(H, W, 2)`, (dx, dy), px.
    Raises: ValueError, with the residual that was reached, where the steps do not converge.
    Source: Chen, Lu, Chen, Ruchala & Olivera 2008 (fixed-point inversion), preconditioned.

    """
    w = _field(displacement)
    x = pixel_grid(w.shape[:2] if shape is None else shape)
    own = pixel_grid(w.shape[:2]).reshape(-1, 2)
    design = np.column_stack([own, np.ones(len(own))])
    fitted = np.linalg.lstsq(design, own + w.reshape(-1, 2), rcond=None)[0]
    linear, shift = np.asarray(fitted[:2].T, dtype=np.float64), fitted[2]
    if np.linalg.det(linear) <= np.finfo(np.float64).eps:
        raise ValueError("the displacement flips or flattens the image and has no inverse")
    back = _inverse(linear)

    y: Array = (x - shift) @ back.T
    last = np.array([w.shape[1] - 1, w.shape[0] - 1])
    reached = np.inf
    for _ in range(INVERSION_STEPS):
        off = y + _linear_lookup(w, y) - x
        inside = ((y >= 0) & (y <= last)).all(axis=-1)
        # Where nothing lands inside, nothing was measured, and nothing may pass.
        reached = float(np.linalg.norm(off, axis=-1)[inside].max()) if inside.any() else np.inf
        if reached <= residual_px:
            return y - x
        y = y - off @ back.T
    raise ValueError(
        f"the displacement could not be inverted: after {INVERSION_STEPS} steps the two maps miss "
        f"each other by up to {reached:.3g} px, at most {residual_px:g} px is accepted. A field "
        "that folds has no inverse; inf says that no pixel lands on the other image"
    )


def _linear_lookup(field: Array, points: Array) -> Array:
    """Return a field at points, `(..., 2)`, bilinear, clamped to the outermost pixels."""
    height, width = field.shape[:2]
    x = np.clip(points[..., 0], 0, width - 1)
    y = np.clip(points[..., 1], 0, height - 1)
    left = np.minimum(x.astype(int), max(width - 2, 0))
    top = np.minimum(y.astype(int), max(height - 2, 0))
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    fx, fy = (x - left)[..., None], (y - top)[..., None]
    above = (1 - fx) * field[top, left] + fx * field[top, right]
    below = (1 - fx) * field[bottom, left] + fx * field[bottom, right]
    looked_up: Array = (1 - fy) * above + fy * below
    return looked_up


def _inverse(matrix: Array) -> Array:
    return np.asarray(np.linalg.inv(matrix), dtype=np.float64)


def _homogeneous(linear: Array, shift: Array) -> Array:
    matrix = np.eye(3)
    matrix[:2, :2] = linear
    matrix[:2, 2] = shift
    return matrix


def _three_by_three(matrix: ArrayLike) -> Array:
    given = np.asarray(matrix, dtype=np.float64)
    if given.shape == (2, 3):
        return np.vstack([given, [0.0, 0.0, 1.0]])
    if given.shape != (3, 3):
        raise ValueError(f"a matrix is (2, 3) or (3, 3), got {given.shape}")
    return given


def _field(displacement: ArrayLike) -> Array:
    field = np.asarray(displacement, dtype=np.float64)
    if field.ndim != 3 or field.shape[-1] != 2:
        hint = "; components_last mends it" if field.ndim == 3 and field.shape[0] == 2 else ""
        raise ValueError(f"a displacement is (H, W, 2), got {field.shape}{hint}")
    return field
