"""Ways to misread or mistake a transform, each with how it is undone.

A misreading is tried on an answer: what is left of its distance to the truth once the mistake is
undone? The mistakes are those of one convention taken for another (direction, axis order, units,
centre, grid), so they need no knowledge of the solver.

    T(x) = A x + t = A (x - c) + c + d,    c the image centre ((W-1)/2, (H-1)/2)

is the transform, A its linear part, t its shift at the pixel origin and d that at the centre.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray

from irgate_fixtures import Pair, pixel_grid

Array = NDArray[np.float64]

STRIDE = 5
"""Every fifth pixel each way is enough to measure a mean distance."""

AFFINE_PX = 1e-3
"""A dense answer is as good as a matrix where an affine map leaves no more than this of it."""

BICUBIC_PX = 1e-2
"""... and as good as an FFD of 4x4 control points where a bicubic polynomial leaves no more."""

POWERS = (2.0, 4.0, 8.0, 16.0, 0.5, 0.25, 0.125, 0.0625)
"""What a shift is off by when it was carried over one to four pyramid levels in the wrong units."""

WHOLE_PX = 1e-3
"""How far from a whole number a rounded shift may be: float32, and arithmetic about the centre."""

SWAP = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])


class View:
    """An answer and the truth on some pixels of the fixed image.

    Args:
        pair: the images and the true transform.
        displacement: the answer, `(H, W, 2)`, `(dx, dy)` in pixels.
        matrix: the answer as `(3, 3)` where it came as one.

    Attributes:
        points, truth, answer: pixel centres, where the truth maps them and where the answer does,
            `(n, m, 2)`, px.
        size, moving_size: `(W, H)` of the images.

    """

    def __init__(self, pair: Pair, displacement: Array, matrix: Array | None) -> None:
        self.pair = pair
        self.displacement = displacement
        height, width = pair.fixed.shape
        self.points = pixel_grid((height, width))[::STRIDE, ::STRIDE]
        self.moved = displacement[::STRIDE, ::STRIDE]
        self.answer = self.points + self.moved
        self.truth = pair.truth(self.points)
        self.size = np.array([width, height], dtype=np.float64)
        self.moving_size = np.array(pair.moving.shape[::-1], dtype=np.float64)
        self.centre = (self.size - 1) / 2
        self._given = matrix

    @cached_property
    def matrix(self) -> Array | None:
        """The answer as a matrix: as it came, or fitted where it is one in all but form."""
        if self._given is not None:
            return self._given
        known = np.concatenate([self.points, np.ones_like(self.points[..., :1])], -1).reshape(-1, 3)
        fitted = np.linalg.lstsq(known, self.answer.reshape(-1, 2), rcond=None)[0]
        if np.abs(known @ fitted - self.answer.reshape(-1, 2)).max() > AFFINE_PX:
            return None
        matrix = np.eye(3)
        matrix[:2] = fitted.T
        return matrix

    def off(self, mapped: Array) -> float:
        """Return the mean distance of mapped points to where the truth maps them, px."""
        return float(np.linalg.norm(mapped - self.truth, axis=-1).mean())

    def off_matrix(self, matrix: Array) -> float:
        """Return the same for a matrix."""
        return self.off(self.points @ matrix[:2, :2].T + matrix[:2, 2])

    def back(self, mapped: Array) -> float:
        """Return how far the truth, applied after an inverted answer, ends from where it began.

        Where S is the inverse of T, T(S(x)) = x; so no field has to be inverted. A true field is
        known on the fixed image only, so what maps elsewhere is left out; infinite if all does.
        """
        known = np.ones(mapped.shape[:-1], dtype=bool)
        if self.pair.truth.matrix is None:
            known = np.all((mapped >= 0) & (mapped <= self.size - 1), axis=-1)
        if not known.any():
            return math.inf
        return float(
            np.linalg.norm(self.pair.truth(mapped[known]) - self.points[known], axis=-1).mean()
        )

    def parts(self, matrix: Array) -> tuple[Array, Array]:
        """Return A and d, the linear part and the shift at the centre."""
        linear = matrix[:2, :2]
        return linear, linear @ self.centre + matrix[:2, 2] - self.centre

    def built(self, linear: Array, shift: Array) -> Array:
        """Return the matrix of A (x - c) + c + d."""
        matrix = np.eye(3)
        matrix[:2, :2] = linear
        matrix[:2, 2] = self.centre - linear @ self.centre + shift
        return matrix

    def swapped(self) -> Array:
        """Return where the answer maps the points if x and y were confused: P T P, or P u."""
        if self.matrix is None:
            return np.asarray(self.points + self.moved[..., ::-1])
        meant = SWAP @ self.matrix @ SWAP
        return np.asarray(self.points @ meant[:2, :2].T + meant[:2, 2])


@dataclass(frozen=True)
class Misreading:
    """One mistake.

    Attributes:
        fault: its name in reports.
        words: what completes `your transform ...`, with the mend.
        distances: what is left of the distance to the truth, px, for each variant of the mistake.

    """

    fault: str
    words: str
    distances: Callable[[View], Iterator[float]]

    def remainder(self, view: View) -> float:
        """Return the smallest distance that undoing this leaves, px; infinite if it cannot be."""
        return min(self.distances(view), default=math.inf)


def _inverse(view: View) -> Iterator[float]:
    yield view.back(view.answer)


def _swapped(view: View) -> Iterator[float]:
    yield view.off(view.swapped())


def _inverse_swapped(view: View) -> Iterator[float]:
    yield view.back(view.swapped())


def _negated(view: View) -> Iterator[float]:
    yield view.off(view.points - view.moved)


def _transposed(view: View) -> Iterator[float]:
    if view.matrix is not None:
        linear, shift = view.parts(view.matrix)
        yield view.off_matrix(view.built(linear.T, shift))
        columns = view.matrix.copy()
        columns[:2, :2] = linear.T
        yield view.off_matrix(columns)


def _other_unit(factor: float) -> Callable[[View], Iterator[float]]:
    """Return the misreading of an angle as `factor` times itself.

    Angles are known only up to whole turns, so what the truth becomes is compared with the answer.
    """

    def distances(view: View) -> Iterator[float]:
        truth = view.pair.truth.matrix
        if truth is None or view.pair.model != "rigid" or view.matrix is None:
            return
        linear, shift = view.parts(truth)
        angle = math.atan2(linear[1, 0], linear[0, 0]) * factor
        c, s = math.cos(angle), math.sin(angle)
        mistaken = view.built(np.array([[c, -s], [s, c]]), shift)
        yield float(
            np.linalg.norm(
                view.points @ mistaken[:2, :2].T + mistaken[:2, 2] - view.answer, axis=-1
            ).mean()
        )

    return distances


def _normalised(view: View) -> Iterator[float]:
    # Half the size, for coordinates from -1 to 1 at the outer edges or at the outer pixel centres;
    # the whole size, for coordinates from 0 to 1.
    for corners, part in product((0.0, 1.0), (0.5, 1.0)):
        yield view.off(view.points + view.moved * (view.size - corners) * part)
        if view.matrix is None:
            continue
        into, out_of = (
            np.array(
                [
                    [1 / ((size[0] - corners) * part), 0.0, origin[0]],
                    [0.0, 1 / ((size[1] - corners) * part), origin[1]],
                    [0.0, 0.0, 1.0],
                ]
            )
            for size in (view.size, view.moving_size)
            for origin in [_normalised_origin(size, corners, part)]
        )
        yield view.off_matrix(np.linalg.inv(out_of) @ view.matrix @ into)


def _normalised_origin(size: Array, corners: float, part: float) -> Array:
    """Return the normalised coordinate of the first pixel's centre."""
    first: Array = (1 - corners) / 2 / ((size - corners) * part) - (1.0 if part == 0.5 else 0.0)
    return first


def _half_pixel(view: View) -> Iterator[float]:
    for step in product((-0.5, 0.0, 0.5), repeat=2):
        if any(step):
            yield view.off(view.answer + step)


def _corners(view: View) -> Iterator[float]:
    # N / (N - 1) about the centre: what reading one convention of grid_sample as the other does.
    moving_centre = (view.moving_size - 1) / 2
    for power in (1, -1):
        after = (view.moving_size / (view.moving_size - 1)) ** power
        scaled = moving_centre + after * (view.answer - moving_centre)
        yield view.off(scaled)
        if view.matrix is not None:
            before = np.diag([*(view.size / (view.size - 1)) ** -power, 1.0])
            before[:2, 2] = view.centre - np.diag(before)[:2] * view.centre
            whole = view.matrix @ before
            yield view.off_matrix(whole)
            mapped = view.points @ whole[:2, :2].T + whole[:2, 2]
            yield view.off(moving_centre + after * (mapped - moving_centre))


def _centre(view: View) -> Iterator[float]:
    if view.matrix is not None:
        linear = view.matrix[:2, :2]
        off = np.array([0.5, 0.5]) - linear @ (0.5, 0.5)
        yield view.off(view.answer + off)
        yield view.off(view.answer - off)


def _origin(view: View) -> Iterator[float]:
    if view.matrix is not None:
        linear = view.matrix[:2, :2]
        off = view.centre - linear @ view.centre
        yield view.off(view.answer + off)
        yield view.off(view.answer - off)


def _order(view: View) -> Iterator[float]:
    if view.matrix is not None:
        linear, shift = view.parts(view.matrix)
        yield view.off_matrix(view.built(linear, linear @ shift))
        if abs(np.linalg.det(linear)) > 1e-6:
            yield view.off_matrix(view.built(linear, np.linalg.inv(linear) @ shift))


def _rounded(view: View) -> Iterator[float]:
    """Where the answer is whole, it stands for everything that rounds to it."""
    if view.matrix is None:
        whole = view.moved
        true = view.truth - view.points
    else:
        linear, whole = view.parts(view.matrix)
        truth = view.pair.truth.matrix
        if truth is None:
            return
        _, true = view.parts(truth)
        # The linear part must be right by itself; only the shift was rounded.
        if view.off_matrix(view.built(linear, true)) > WHOLE_PX * view.size.max():
            return
    if np.abs(whole - np.round(whole)).max() > WHOLE_PX:
        return
    beyond = np.maximum(np.abs(whole - true) - 0.5, 0.0)
    yield float(np.linalg.norm(beyond, axis=-1).mean())


def _level(view: View) -> Iterator[float]:
    for power in POWERS:
        yield view.off(view.points + view.moved / power)
        if view.matrix is not None:
            linear, shift = view.parts(view.matrix)
            yield view.off_matrix(view.built(linear, shift / power))
            columns = view.matrix.copy()
            columns[:2, 2] /= power
            yield view.off_matrix(columns)


def _turned(view: View) -> Iterator[float]:
    moving_centre = (view.moving_size - 1) / 2
    yield view.off(2 * moving_centre - view.answer)
    if view.matrix is not None:
        linear, shift = view.parts(view.matrix)
        yield view.off_matrix(view.built(-linear, shift))


def _upwards(view: View) -> Iterator[float]:
    if view.matrix is not None:
        flip, moving_flip = (
            np.array([[1.0, 0.0, 0.0], [0.0, -1.0, size[1] - 1], [0.0, 0.0, 1.0]])
            for size in (view.size, view.moving_size)
        )
        yield view.off_matrix(moving_flip @ view.matrix @ flip)
    else:
        yield view.off(view.points + view.moved * (1.0, -1.0))


def _wrapped(view: View) -> Iterator[float]:
    for turns in product((-1, 0, 1), repeat=2):
        if any(turns):
            yield view.off(view.answer + turns * view.moving_size)


def _field_shape(view: View) -> Iterator[float]:
    height, width = view.displacement.shape[:2]
    if view.matrix is None and height != width:
        meant = view.displacement.reshape(width, height, 2).transpose(1, 0, 2)
        for field in (meant, meant[..., ::-1]):
            yield view.off(view.points + field[::STRIDE, ::STRIDE])


def _domain(view: View) -> Iterator[float]:
    """Read an FFD's control points on the domain of DESIGN instead of the one that was used.

    On one segment each way any domain spans the bicubic polynomials; another domain is another
    affine map of the axes, x -> x'.
    """
    if view.pair.model != "ffd" or view.matrix is not None:
        return
    coefficients = _bicubic(view)
    if coefficients is None:
        return
    right = (view.points + 0.625) / (view.size + 0.25)
    for first, extent in ((0.0, -1.0), (0.5, 0.0), (0.0, 0.0), (1.0, 1.0)):
        places = right * (view.size + extent) - first
        yield view.off(view.points + _polynomial(places, view) @ coefficients)


def is_bicubic(view: View) -> bool:
    """Whether an answer lies in the space of the 4x4 FFDs, as no inverse of an FFD does."""
    return _bicubic(view) is not None


def _bicubic(view: View) -> Array | None:
    basis = _polynomial(view.points, view)
    flat = basis.reshape(-1, basis.shape[-1])
    found = np.linalg.lstsq(flat, view.moved.reshape(-1, 2), rcond=None)[0]
    if np.abs(flat @ found - view.moved.reshape(-1, 2)).max() > BICUBIC_PX:
        return None
    return np.asarray(found, dtype=np.float64)


def _polynomial(places: Array, view: View) -> Array:
    """Return the 16 products of powers 0 to 3 of the centred, scaled coordinates."""
    scaled = (places - view.centre) / view.centre
    powers = scaled[..., None] ** np.arange(4)
    return np.asarray(np.einsum("...i,...j->...ij", powers[..., 0, :], powers[..., 1, :])).reshape(
        *places.shape[:-1], 16
    )


MISREADINGS = (
    Misreading(
        "inverse",
        "is inverted: it maps moving to fixed, by its direction or because the two images were "
        "swapped; return the one that maps fixed to moving",
        _inverse,
    ),
    Misreading(
        "x and y swapped",
        "has x and y swapped: x is the column and comes first",
        _swapped,
    ),
    Misreading(
        "inverse, x and y swapped",
        "is inverted and has x and y swapped: map fixed to moving, x (the column) first",
        _inverse_swapped,
    ),
    Misreading(
        "transposed",
        "has its linear part transposed (an angle of the wrong sign): rows and columns of the "
        "matrix are confused, or the angle turns y towards x",
        _transposed,
    ),
    Misreading(
        "negated",
        "has the sign of its displacement wrong: T(x) = x + u(x), with u from fixed to moving; "
        "-u is not the inverse either",
        _negated,
    ),
    Misreading(
        "half pixel",
        "is half a pixel off: the first pixel's centre is (0, 0), not its corner",
        _half_pixel,
    ),
    Misreading(
        "align_corners",
        "is scaled by N/(N-1) about the centre: align_corners=True and False are mixed",
        _corners,
    ),
    Misreading(
        "centre N/2",
        "turns about N/2: the centre of N pixels is (N-1)/2",
        _centre,
    ),
    Misreading(
        "about the origin",
        "mixes the image centre and the pixel origin: the shift that is returned belongs to "
        "the other; a matrix is about the pixel origin, t = c - A c + d",
        _origin,
    ),
    Misreading(
        "shift before the turn",
        "composes its shift and its linear part in the other order: A (x - c) + c + d, the shift "
        "last",
        _order,
    ),
    Misreading(
        "degrees for radians",
        "turns by as many radians as it should degrees: np.radians is missing",
        _other_unit(math.degrees(1.0)),
    ),
    Misreading(
        "radians for degrees",
        "turns by as many degrees as it should radians: np.degrees is missing, or np.radians is "
        "one too many",
        _other_unit(math.radians(1.0)),
    ),
    Misreading(
        "normalised units",
        "is in normalised units, not in pixels: multiply by half the size, and mind align_corners",
        _normalised,
    ),
    Misreading(
        "level scale",
        "has its shift wrong by a power of two: a pyramid level's shift was not rescaled",
        _level,
    ),
    Misreading(
        "turned by 180 degrees",
        "is turned by half a turn: a spectrum's magnitude cannot tell the two, the images can",
        _turned,
    ),
    Misreading(
        "y upwards",
        "has y running upwards: row 0 is the top, and y grows downwards",
        _upwards,
    ),
    Misreading(
        "rounded",
        "is rounded to whole pixels: refine the peak below the pixel",
        _rounded,
    ),
    Misreading(
        "periodic wrap",
        "is off by a whole image: a shift beyond half the size comes out of a Fourier transform "
        "with the size subtracted",
        _wrapped,
    ),
    Misreading(
        "rows and columns of the field swapped",
        "is a field that was laid out as (W, H, 2): it must be (H, W, 2)",
        _field_shape,
    ),
    Misreading(
        "FFD domain",
        "has its control points on another domain: B-splines span (N + 1/4) px from -5/8 px on",
        _domain,
    ),
)
"""From the simplest on: where two fit equally well, the first is named."""
