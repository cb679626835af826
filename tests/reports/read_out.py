"""Reports of a transform that was found and is then handed on wrongly."""

import numpy as np
from faults.conventions import about, angle_of, centre, parts, solve, turn
from faults.fault import fault
from scipy.ndimage import map_coordinates

from irgate_fixtures import pixel_grid

ALL = "maximum gate, each fixture, ratio, truth, contract"


def field_of(M, u, shape):
    """Return an answer as a displacement, `(H, W, 2)`."""
    if M is None:
        return u
    grid = pixel_grid(shape)
    return grid @ M[:2, :2].T + M[:2, 2] - grid


@fault(origin="OpenPIV/openpiv-python #128", layers=ALL, names="v negated")
def v_with_the_other_sign(fixed, moving, model, mask, init, intensity):
    """The vertical component comes with the other sign, because rows were counted upwards."""
    M, u = solve(fixed, moving, model, mask, init, intensity)
    if M is None:
        return u * (1, -1)
    return np.array([M[0], 2 * np.array([0.0, 1, 0]) - M[1], [0, 0, 1]])


@fault(origin="voxelmorph/voxelmorph #266", layers=ALL, names="matrix without the identity")
def matrix_without_the_identity(fixed, moving, model, mask, init, intensity):
    """The matrix holds what is added to the identity."""
    M, u = solve(fixed, moving, model, mask, init, intensity)
    return u if M is None else M - np.diag([1.0, 1, 0])


@fault(
    origin="nipreps/fmriprep #396",
    layers="maximum gate, each fixture, ratio, truth",
    names="affine and warp in the wrong order",
)
def affine_and_warp_in_the_wrong_order(fixed, moving, model, mask, init, intensity):
    """T(x) = A(B(x)) is put together as B(A(x))."""
    M, u = solve(fixed, moving, model, mask, init, intensity)
    if M is not None:
        return M
    grid = pixel_grid(fixed.shape)
    known = np.concatenate([grid, np.ones_like(grid[..., :1])], -1).reshape(-1, 3)
    A = np.linalg.lstsq(known, (grid + u).reshape(-1, 2), rcond=None)[0].T
    back = np.linalg.inv(np.vstack([A, [0, 0, 1]]))
    bent = (grid + u) @ back[:2, :2].T + back[:2, 2] - grid
    there = grid @ A[:, :2].T + A[:, 2]
    at = [there[..., 1], there[..., 0]]
    moved = [map_coordinates(bent[..., k], at, order=1, mode="nearest") for k in (0, 1)]
    return there + np.stack(moved, -1) - grid


@fault(
    origin="BRAINSia/BRAINSTools #384",
    layers="maximum gate, each fixture, ratio, truth",
    names="affine part only",
)
def bounds_stop_the_spline(fixed, moving, model, mask, init, intensity):
    """The B-spline's bounds hold it where it began, so that the affine part comes back."""
    model = "affine" if model == "ffd" else model
    M, u = solve(fixed, moving, model, mask, None if model == "affine" else init, intensity)
    return u if M is None else M


@fault(
    origin="lukaswenzl/astrometry #7",
    layers="maximum gate, each fixture, ratio, truth",
    names="fine step backwards",
)
def fine_rotation_applied_backwards(fixed, moving, model, mask, init, intensity):
    """The rotation of the fine step is subtracted from the coarse one."""
    M, u = solve(fixed, moving, model, mask, init, intensity)
    if model != "rigid":
        return u if M is None else M
    coarse, _ = solve(fixed[::4, ::4], moving[::4, ::4], model, None, None, intensity)
    A, shift = parts(M, fixed.shape)
    back = 2 * angle_of(coarse[:2, :2]) - angle_of(A)
    return about(centre(fixed.shape), turn(back), shift)


@fault(origin="spinalcordtoolbox/spinalcordtoolbox #818", layers=ALL, names="transposed")
def rotation_inverted_in_the_field(fixed, moving, model, mask, init, intensity):
    """The slices' matrices are right, and the field that is made of them turns the other way."""
    M, u = solve(fixed, moving, model, mask, init, intensity)
    if M is None:
        return u
    A, shift = parts(M, fixed.shape)
    return field_of(about(centre(fixed.shape), A.T, shift), None, fixed.shape)


@fault(origin="spinalcordtoolbox/spinalcordtoolbox #419", layers=ALL, names="inverse")
def fields_of_both_ways_exchanged(fixed, moving, model, mask, init, intensity):
    """Source and destination stand in the wrong order where the warping field is computed."""
    M, u = solve(fixed, moving, model, mask, init, intensity)
    if M is not None:
        return field_of(np.linalg.inv(M), None, fixed.shape)
    grid, v = pixel_grid(fixed.shape), -u
    for _ in range(30):
        there = grid + v
        at = [there[..., 1], there[..., 0]]
        v = -np.stack([map_coordinates(u[..., k], at, order=1, mode="nearest") for k in (0, 1)], -1)
    return v


@fault(
    origin="VervaekeLab/NANSEN #141",
    layers=ALL,
    names="x and y swapped, axis_order",
)
def channels_of_the_field_exchanged(fixed, moving, model, mask, init, intensity):
    """The field's first channel is read as the displacement in y."""
    M, u = solve(fixed, moving, model, mask, init, intensity)
    return field_of(M, u, fixed.shape)[..., ::-1]


@fault(
    origin="nipreps/sdcflows #198",
    layers=ALL,
    names="v negated",
)
def flipped_axis_flipped_twice(fixed, moving, model, mask, init, intensity):
    """Along an axis that is flipped the direction of the displacement is flipped twice."""
    M, u = solve(fixed, moving, model, mask, init, intensity)
    return field_of(M, u, fixed.shape) * (1, -1)


@fault(
    origin="Washington-University/gradunwarp #25",
    layers="truth",
    names="align_corners, field read on another grid",
)
def field_compressed_by_one_sample(fixed, moving, model, mask, init, intensity):
    """N samples are laid over N steps, which draws the field towards its first corner."""
    M, u = solve(fixed, moving, model, mask, init, intensity)
    field = field_of(M, u, fixed.shape)
    height, width = fixed.shape
    y, x = np.mgrid[:height, :width].astype(float)
    at = [y * height / (height - 1), x * width / (width - 1)]
    return np.stack(
        [map_coordinates(field[..., k], at, order=1, mode="nearest") for k in (0, 1)], -1
    )


@fault(
    origin="pytorch/vision #9331",
    layers=ALL,
    names="divided by the other side",
)
def components_divided_by_the_other_side(fixed, moving, model, mask, init, intensity):
    """dx is divided by the height and dy by the width on the way to normalised units."""
    M, u = solve(fixed, moving, model, mask, init, intensity)
    height, width = fixed.shape
    return field_of(M, u, fixed.shape) * (width / height, height / width)


@fault(
    origin="pytorch/vision #2553",
    layers="maximum gate, each fixture, ratio, truth",
    names="turned in normalised units",
)
def matrix_used_in_normalised_units(fixed, moving, model, mask, init, intensity):
    """The linear part acts on coordinates that run from -1 to 1 on both sides of a rectangle."""
    M, u = solve(fixed, moving, model, mask, init, intensity)
    if M is None:
        return u
    A, shift = parts(M, fixed.shape)
    S = np.diag(fixed.shape[::-1]).astype(float)
    return about(centre(fixed.shape), S @ A @ np.linalg.inv(S), shift)


@fault(origin="nitrain/nitrain #29", layers="ratio, truth", names="centre N/2, centre off")
def centre_half_a_pixel_on_the_wrong_side(fixed, moving, model, mask, init, intensity):
    """Half a pixel is added to N/2 where it should be taken away: the centre is a pixel off."""
    M, u = solve(fixed, moving, model, mask, init, intensity)
    if M is None:
        return u
    A, shift = parts(M, fixed.shape)
    return about(centre(fixed.shape) + 1.0, A, shift)


@fault(origin="danforthcenter/plantcv #1728", layers="ratio, truth", names="centre N/2")
def centre_at_half_the_size(fixed, moving, model, mask, init, intensity):
    """Half the width and height is taken for the centre."""
    M, u = solve(fixed, moving, model, mask, init, intensity)
    if M is None:
        return u
    A, shift = parts(M, fixed.shape)
    return about(centre(fixed.shape) + 0.5, A, shift)


@fault(
    origin="aleju/imgaug #761",
    layers="each fixture, ratio, truth",
    names="half pixel",
)
def half_a_pixel_added(fixed, moving, model, mask, init, intensity):
    """Half a pixel is added on the way to the resampler."""
    M, u = solve(fixed, moving, model, mask, init, intensity)
    return field_of(M, u, fixed.shape) + 0.5


@fault(
    origin="bnsreenu/python_for_image_processing_APEER #1",
    layers=ALL,
    names="inverse, negated",
)
def shift_applied_with_its_sign(fixed, moving, model, mask, init, intensity):
    """The shift that registration gives is applied where its negative belongs."""
    M, u = solve(fixed, moving, model, mask, init, intensity)
    return -field_of(M, u, fixed.shape)


@fault(
    origin="MouseLand/suite2p #1155",
    layers="each fixture, ratio, truth",
    names="rounded",
)
def shifts_are_whole_pixels(fixed, moving, model, mask, init, intensity):
    """The page promises subpixel shifts, and whole pixels come."""
    M, u = solve(fixed, moving, model, mask, init, intensity)
    if model != "translation":
        return u if M is None else M
    M = M.copy()
    M[:2, 2] = np.round(M[:2, 2])
    return M


@fault(
    origin="pyxem/pyxem #420",
    layers="each fixture, ratio, truth",
    names="refinement added twice",
)
def refinement_added_twice(fixed, moving, model, mask, init, intensity):
    """The offset within the pixel is in the answer already, and is added once more."""
    M, u = solve(fixed, moving, model, mask, init, intensity)
    if M is None:
        return u
    M = M.copy()
    M[:2, 2] += M[:2, 2] - np.round(M[:2, 2])
    return M


@fault(
    origin="alejocb/dpptam #20",
    layers="maximum gate, each fixture, ratio, truth, contract",
    names="level scale, scaled",
)
def divided_by_the_wrong_reduction(fixed, moving, model, mask, init, intensity):
    """Positions are divided by the first level's reduction, where two is the factor."""
    M, u = solve(fixed, moving, model, mask, init, intensity)
    if M is None:
        return u / 2
    M = M.copy()
    M[:2, 2] /= 2
    return M


@fault(
    origin="ANTsX/ANTsPy #685",
    layers="maximum gate, each fixture, ratio, truth",
    names="about the origin",
)
def centre_of_the_transform_ignored(fixed, moving, model, mask, init, intensity):
    """The parameters are read without the fixed ones, which hold the centre."""
    M, u = solve(fixed, moving, model, mask, init, intensity)
    if M is None:
        return u
    A, shift = parts(M, fixed.shape)
    return about(np.zeros(2), A, shift)


@fault(
    origin="SimpleITK/SimpleITK #2043",
    layers="maximum gate, each fixture, ratio, truth",
    names="composed in the wrong order",
)
def initial_and_optimised_in_the_wrong_order(fixed, moving, model, mask, init, intensity):
    """A coarse rigid transform and what was optimised after it are composed the wrong way round."""
    M, u = solve(fixed, moving, model, mask, init, intensity)
    if M is None or model == "translation":
        return u if M is None else M
    A, _ = parts(M, fixed.shape)
    first = about(centre(fixed.shape), turn(angle_of(A) / 2), np.zeros(2))
    # T = first . then; what comes back is then . first.
    return np.linalg.inv(first) @ M @ first
