"""Faults of convention: the bundled solver finds the answer, and its transform is said wrongly."""

import numpy as np

from irgate_fixtures import pixel_grid
from pytest_irgate.adapters import bundled

from .fault import fault


def solve(fixed, moving, model, mask, init, intensity):
    """Return the bundled solver's answer as plain numbers: (matrix or None, displacement)."""
    found = bundled.register(fixed, moving, model, mask, init, intensity)
    matrix = None if found.matrix is None else found.matrix.numpy().copy()
    return matrix, found.displacement(fixed.shape).numpy().copy()


def centre(shape):
    height, width = shape
    return np.array([(width - 1) / 2, (height - 1) / 2])


def about(point, A, shift):
    """Return x -> A (x - point) + point + shift as a matrix."""
    M = np.eye(3)
    M[:2, :2] = A
    M[:2, 2] = point - A @ point + shift
    return M


def parts(M, shape):
    """Return a matrix's linear part and how far it moves the centre."""
    c = centre(shape)
    return M[:2, :2], M[:2, :2] @ c + M[:2, 2] - c


def angle_of(A):
    return np.arctan2(A[1, 0] - A[0, 1], A[0, 0] + A[1, 1])


def turn(angle):
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


@fault(
    origin="pyxem #490: shifts came back transposed, rows first in one library and columns in one",
    layers="maximum gate, each fixture, ratio, truth, contract",
    names="x and y swapped, axis_order",
    item="contract axis_order",
)
def x_and_y_swapped(fixed, moving, model, mask, init, intensity):
    """Rows before columns, in matrices and in fields."""
    M, u = solve(fixed, moving, model, mask, init, intensity)
    P = np.array([[0, 1, 0], [1, 0, 0], [0, 0, 1]])
    return u[..., ::-1] if M is None else P @ M @ P


@fault(
    origin="the commonest of all: resamplers want the pull-back, drawings show the push-forward",
    layers="maximum gate, each fixture, ratio, truth, contract",
    names="inverse, images swapped, direction",
    item="contract direction",
)
def inverted(fixed, moving, model, mask, init, intensity):
    """The matrix that maps moving points to fixed points."""
    M, u = solve(fixed, moving, model, mask, init, intensity)
    return backwards(u) if M is None else np.linalg.inv(M)


def backwards(u):
    """Return the inverse of a displacement, by the fixed point v(x) = -u(x + v(x))."""
    from scipy.ndimage import map_coordinates

    grid = pixel_grid(u.shape[:2])
    v = -u
    for _ in range(30):
        at = (grid + v)[..., ::-1].transpose(2, 0, 1)
        v = -np.stack([map_coordinates(u[..., i], at, order=1, mode="nearest") for i in (0, 1)], -1)
    return v


@fault(
    origin="starfish #2005: reference and moving handed over the wrong way round",
    layers="maximum gate, each fixture, ratio, truth, contract",
    names="inverse, images swapped, direction",
    item="contract direction",
)
def images_swapped(fixed, moving, model, mask, init, intensity):
    """Registers the moving image to the fixed one; a mask then lies on the wrong image."""
    return bundled.register(moving, fixed, model, None, init, intensity)


@fault(
    origin="displacement networks that return the inverse as minus the field",
    layers="maximum gate, each fixture, ratio, truth",
    names="inverse by negation",
    item="base synth_rotate_2d",
)
def inverse_by_negation(fixed, moving, model, mask, init, intensity):
    """Registers moving to fixed and inverts by changing the sign: right for a pure shift alone."""
    _, u = solve(moving, fixed, model, None, None, intensity)
    return -u if u.shape[:2] == fixed.shape else np.zeros((*fixed.shape, 2))


@fault(
    origin="a shift to apply to the picture is minus the shift of its points",
    layers="maximum gate, each fixture, ratio, truth, contract",
    names="negated, inverse, direction",
    item="contract direction",
)
def negated(fixed, moving, model, mask, init, intensity):
    """Every displacement with the other sign."""
    return -solve(fixed, moving, model, mask, init, intensity)[1]


@fault(
    origin="pycpd PR 26: the rotation matrix was the transpose of the one meant",
    layers="maximum gate, each fixture, ratio, truth",
    names="transposed",
    item="base lena_affine_2d",
)
def transposed_linear_part(fixed, moving, model, mask, init, intensity):
    """Column-major numbers read as row-major; the shift of the centre is right."""
    M, u = solve(fixed, moving, model, mask, init, intensity)
    if M is None:
        return u
    A, shift = parts(M, fixed.shape)
    return about(centre(fixed.shape), A.T, shift)


@fault(
    origin="y runs down in images and up in drawings: the sense of a rotation turns round",
    layers="maximum gate, each fixture, ratio, truth",
    names="transposed, inverse",
    item="base synth_rotate_2d",
)
def angle_sign(fixed, moving, model, mask, init, intensity):
    """A rotation by minus the angle."""
    M, u = solve(fixed, moving, model, mask, init, intensity)
    if model != "rigid":
        return u if M is None else M
    A, shift = parts(M, fixed.shape)
    return about(centre(fixed.shape), turn(-angle_of(A)), shift)


@fault(
    origin="plantcv PR 1728: the centre of rotation was half the width and height",
    layers="each fixture, ratio, truth",
    names="centre N/2, half pixel",
    item="base synth_rotate_2d",
)
def centre_n_over_2(fixed, moving, model, mask, init, intensity):
    """Good parameters, composed about N / 2 and not about (N - 1) / 2."""
    M, u = solve(fixed, moving, model, mask, init, intensity)
    if M is None:
        return u
    A, shift = parts(M, fixed.shape)
    return about(centre(fixed.shape) + 0.5, A, shift)


@fault(
    origin="ANTsPy and ITK files keep the centre as a fixed parameter, which readers leave out",
    layers="maximum gate, each fixture, ratio, truth",
    names="about the origin",
    item="base synth_rotate_2d",
)
def about_the_origin(fixed, moving, model, mask, init, intensity):
    """Good parameters, composed about pixel (0, 0)."""
    M, u = solve(fixed, moving, model, mask, init, intensity)
    if M is None:
        return u
    return about(np.zeros(2), *parts(M, fixed.shape))


@fault(
    origin="shape is (height, width) and size is (width, height): one is taken for the other",
    layers="maximum gate, each fixture, ratio, truth",
    names="H and W swapped, centre N/2",
    item="base synth_rotate_2d",
)
def width_and_height_confused(fixed, moving, model, mask, init, intensity):
    """The centre is ((H-1)/2, (W-1)/2): right for square images."""
    M, u = solve(fixed, moving, model, mask, init, intensity)
    if M is None:
        return u
    return about(centre(fixed.shape[::-1]), *parts(M, fixed.shape))


@fault(
    origin="torchvision PR 2553 and Lasagne #782: a rotation in the cube [-1, 1]^2 shears",
    layers="maximum gate, each fixture, ratio, truth",
    names="turned in normalised units",
    item="base synth_rotate_2d",
)
def turned_in_the_normalised_square(fixed, moving, model, mask, init, intensity):
    """The rotation acts on coordinates divided by the image's sides, which differ."""
    M, u = solve(fixed, moving, model, mask, init, intensity)
    if model != "rigid":
        return u if M is None else M
    A, shift = parts(M, fixed.shape)
    half = np.diag((np.array(fixed.shape[::-1]) - 1) / 2)
    return about(centre(fixed.shape), half @ A @ np.linalg.inv(half), shift)


@fault(
    origin="valis #103: degrees handed to cos and sin",
    layers="maximum gate, each fixture, ratio, truth",
    names="degrees for radians",
    item="base synth_rotate_2d",
)
def degrees_for_radians(fixed, moving, model, mask, init, intensity):
    """The angle in degrees is used as one in radians."""
    M, u = solve(fixed, moving, model, mask, init, intensity)
    if model != "rigid":
        return u if M is None else M
    A, shift = parts(M, fixed.shape)
    return about(centre(fixed.shape), turn(np.degrees(angle_of(A))), shift)


@fault(
    origin="the same confusion the other way round",
    layers="maximum gate, each fixture, ratio, truth",
    names="radians for degrees",
    item="base synth_rotate_2d",
)
def radians_for_degrees(fixed, moving, model, mask, init, intensity):
    """The angle in radians is used as one in degrees."""
    M, u = solve(fixed, moving, model, mask, init, intensity)
    if model != "rigid":
        return u if M is None else M
    A, shift = parts(M, fixed.shape)
    return about(centre(fixed.shape), turn(np.radians(angle_of(A))), shift)


@fault(
    origin="torch's affine_grid and everything built on it",
    layers="maximum gate, each fixture, ratio, truth, contract",
    names="normalised units",
    item="contract direction",
)
def normalised_units(fixed, moving, model, mask, init, intensity):
    """Displacements in units of half the image and not in pixels."""
    _, u = solve(fixed, moving, model, mask, init, intensity)
    return u * 2 / np.array(fixed.shape[::-1])


@fault(
    origin="kornia PR 3945: the grid was made with align_corners=True and sampled with False",
    layers="each fixture, ratio, truth, contract",
    names="align_corners, half pixel",
    item="contract identity",
)
def align_corners(fixed, moving, model, mask, init, intensity):
    """Points are normalised with the outer pixel centres at +-1 and read with the outer edges."""
    _, u = solve(fixed, moving, model, mask, init, intensity)
    grid = pixel_grid(fixed.shape)
    size = np.array(moving.shape[::-1])
    return (grid + u) * size / (size - 1) - 0.5 - grid


@fault(
    origin="pixel centres at (i + 1/2) in one library and at i in the other",
    layers="each fixture, ratio, truth",
    names="half pixel, centre N/2",
    item="base synth_rotate_2d",
)
def corner_origin(fixed, moving, model, mask, init, intensity):
    """The matrix is about the image's corner, half a pixel from the first pixel's centre."""
    M, u = solve(fixed, moving, model, mask, init, intensity)
    if M is None:
        return u
    half = about(np.zeros(2), np.eye(2), np.array([0.5, 0.5]))
    return half @ M @ np.linalg.inv(half)


@fault(
    origin="a resampler that rounds down where its coordinates are those of edges",
    layers="maximum gate, each fixture, ratio, truth, contract",
    names="half pixel",
    item="contract identity",
)
def half_pixel_shift(fixed, moving, model, mask, init, intensity):
    """Every point lands half a pixel too far right and down."""
    return solve(fixed, moving, model, mask, init, intensity)[1] + 0.5


@fault(
    origin="correlation peaks that are never refined below the pixel",
    layers="each fixture, ratio, truth",
    names="rounded",
    item="base synth_translate_2d",
)
def rounded_to_whole_pixels(fixed, moving, model, mask, init, intensity):
    """The shift (of the centre, or of each pixel of a field) is a whole number."""
    M, u = solve(fixed, moving, model, mask, init, intensity)
    if M is None:
        return np.round(u)
    A, shift = parts(M, fixed.shape)
    return about(centre(fixed.shape), A, np.round(shift))


@fault(
    origin="PWC-Net PR 15: a wrong final factor where the flow is resized",
    layers="maximum gate, each fixture, ratio, truth, contract",
    names="level scale, scaled",
    item="contract direction",
)
def doubled_once_too_often(fixed, moving, model, mask, init, intensity):
    """Shifts are multiplied by two for a level that is not there."""
    M, u = solve(fixed, moving, model, mask, init, intensity)
    if M is None:
        return 2 * u
    A, shift = parts(M, fixed.shape)
    return about(centre(fixed.shape), A, 2 * shift)


@fault(
    origin="a learning rate or a momentum that is left in the answer",
    layers="maximum gate, each fixture, ratio, truth",
    names="scaled",
    item="base synth_translate_2d",
)
def nine_tenths(fixed, moving, model, mask, init, intensity):
    """Every displacement is a tenth too short."""
    return 0.9 * solve(fixed, moving, model, mask, init, intensity)[1]


@fault(
    origin="Fourier-Mellin registration: a spectrum's magnitude is the same upside down",
    layers="ratio, truth",
    names="turned by 180 degrees",
    item="battery synth_rotate_2d-rot75",
)
def turned_upside_down(fixed, moving, model, mask, init, intensity):
    """Of two angles 180 degrees apart the smaller is taken, from 50 degrees on the wrong one."""
    M, u = solve(fixed, moving, model, mask, init, intensity)
    if M is None or abs(angle_of(M[:2, :2])) < np.radians(50):
        return u if M is None else M
    A, shift = parts(M, fixed.shape)
    return about(centre(fixed.shape), -A, shift)


@fault(
    origin="fields kept as (x, y) arrays, or flattened in the other order",
    layers="maximum gate, each fixture, ratio, truth",
    names="rows and columns of the field swapped",
    item="base synth_rotate_2d",
)
def rows_and_columns_of_the_field(fixed, moving, model, mask, init, intensity):
    """The vectors are right and stand in column order, reshaped until they fit."""
    _, u = solve(fixed, moving, model, mask, init, intensity)
    return np.ascontiguousarray(u.transpose(1, 0, 2)).reshape(u.shape)


@fault(
    origin="scikit-image #6604: shifts from an FFT are right only modulo the image's size",
    layers="ratio, truth",
    names="periodic wrap",
    item="battery lena_affine_2d-overlap40",
)
def wrapped_round(fixed, moving, model, mask, init, intensity):
    """The shift of the centre is brought to within half the image's size."""
    M, u = solve(fixed, moving, model, mask, init, intensity)
    if M is None:
        return u
    A, shift = parts(M, fixed.shape)
    size = np.array(fixed.shape[::-1])
    return about(centre(fixed.shape), A, (shift + size / 2) % size - size / 2)
