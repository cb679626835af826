"""What a solver returned, read as a transform; or an error that says what came instead."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irgate_battery.interface.returned import MASKED, Returned, forms, held, unwrapped
from irgate_fixtures import Homography, Matrix

EXPECTED = (
    "expected a (2, 3) or (3, 3) matrix, an (H, W, 2) displacement in pixels with last axis "
    "(dx, dy), or an object with .matrix or .displacement"
)

REAL = f"expected real numbers, integer or floating point: {EXPECTED.removeprefix('expected ')}."

LAST_ROW_TOLERANCE = 1e-6
"""How far a (3, 3) matrix's last row may stand from (0, 0, 1): float32 rounding, with room."""


LARGEST = 1e6
"""Larger numbers in an answer mean nothing, in pixels or as a matrix entry, and their squares
overflow."""


class AnswerError(Exception):
    """What the solver returned is no transform; the message is for the solver's author."""


@dataclass(frozen=True, eq=False)
class Answer:
    """A transform from the fixed image to the moving image, as the judge reads it.

    Attributes:
        displacement: `u(x) = T(x) - x` on the fixed image's grid, `(H, W, 2)`, last axis
            `(dx, dy)`, pixels, float64.
        matrix: `(3, 3)` on `(x, y, 1)` about the pixel origin, or `None` for a dense or
            a projective answer.
        homography: `(3, 3)` of a projective answer, or `None`.

    """

    displacement: NDArray[np.float64]
    matrix: NDArray[np.float64] | None
    homography: NDArray[np.float64] | None = None


def read_answer(raw: object, shape: tuple[int, int], *, projective: bool = False) -> Answer:
    """Read what a solver returned for a fixed image of this shape.

    Args:
        raw: matrix, displacement, or an object with `.matrix` or `.displacement` (an array, or a
            method that takes the shape); numpy, nested sequences, or torch.
        shape: `(H, W)` of the fixed image.
        projective: whether a (3, 3) matrix may end in another row than (0, 0, 1).
    Raises: AnswerError, naming what came, what was expected and how to mend it.

    """
    return interpreted(unwrapped(*held(raw, shape)), shape, projective=projective)


def interpreted(returned: Returned, shape: tuple[int, int], *, projective: bool = False) -> Answer:
    """Read what was taken out of what a solver returned; as `read_answer`."""
    if returned.shape is None:
        if returned.kind == "NoneType" and not returned.place:
            raise AnswerError(f"returned None; {EXPECTED}. Is a `return` missing?")
        if returned.dtype == MASKED:
            raise AnswerError(
                f"returned a masked array{returned.place}; {EXPECTED}. A transform is needed at "
                "every pixel, and what is masked has no value there: fill it."
            )
        if returned.dtype:
            raise AnswerError(
                f"returned a {returned.kind}{returned.place} of {returned.dtype}; {REAL}"
            )
        hint = ""
        if returned.kind == "tuple":
            hint = " Return the transform alone, without scores or extras."
        raise AnswerError(f"returned a {returned.kind}{returned.place}; {EXPECTED}.{hint}")
    if returned.array is None or returned.shape not in forms(shape):
        raise AnswerError(
            f"returned an array of shape {returned.shape}{returned.place} for a fixed image of "
            f"shape {shape}: {_guess(returned.shape, shape)}; {EXPECTED}."
        )
    return _from_array(returned.array, shape, returned.place, projective)


def _from_array(
    array: NDArray[Any], shape: tuple[int, int], place: str, projective: bool
) -> Answer:
    numbers = array.astype(np.float64)
    bad = int(np.count_nonzero(~np.isfinite(numbers)))
    if bad:
        raise AnswerError(
            f"returned {bad} of {numbers.size} numbers that are NaN or infinite{place}; "
            "expected finite numbers. A division by an empty overlap or a singular system is "
            "the usual cause."
        )
    largest = float(np.abs(numbers).max())
    if largest > LARGEST:
        raise AnswerError(
            f"returned a number of size {largest:.3g}{place}; expected pixels, of which no image "
            f"has {LARGEST:g}. A solve that ran away is the usual cause."
        )
    if numbers.ndim == 3:
        return Answer(displacement=numbers, matrix=None)
    matrix = np.eye(3)
    matrix[: numbers.shape[0]] = numbers
    if np.abs(matrix[2] - (0.0, 0.0, 1.0)).max() > LAST_ROW_TOLERANCE:
        if projective:
            return _from_homography(matrix, shape, place)
        raise AnswerError(
            f"returned a (3, 3) matrix{place} whose last row is {matrix[2].tolist()}; expected "
            "[0, 0, 1]: the model that was asked for is not projective. Is the matrix transposed?"
        )
    matrix[2] = (0.0, 0.0, 1.0)
    return Answer(displacement=Matrix(matrix).displacement(shape), matrix=matrix)


def _from_homography(homography: NDArray[np.float64], shape: tuple[int, int], place: str) -> Answer:
    height, width = shape
    corners = np.array(
        [[0, 0, 1], [width - 1, 0, 1], [0, height - 1, 1], [width - 1, height - 1, 1]]
    )
    # w is linear in x and y: where it has one sign at the corners it has that sign between them.
    w = corners @ homography[2]
    if homography[2, 2] == 0 or not (np.all(w > 0) or np.all(w < 0)):
        raise AnswerError(
            f"returned a homography{place} whose last row is {homography[2].tolist()}: it sends "
            "points of the fixed image to infinity; expected one whose w = h31 x + h32 y + h33 has "
            "one sign on the image. Is it transposed, or in other coordinates?"
        )
    displacement = Homography(homography).displacement(shape)
    return Answer(displacement=displacement, matrix=None, homography=homography)


def _guess(came: tuple[int, ...], shape: tuple[int, int]) -> str:
    """Name what an array of this shape probably is."""
    height, width = shape
    match came:
        case (h, w) if (h, w) == (height, width):
            return "that is an image, and the gate warps images itself: return the transform"
        case (2, h, w) if (h, w) == (height, width):
            return (
                "that is a displacement with its components first: np.moveaxis(u, 0, -1) mends it"
            )
        case (h, w, 2) if (h, w) == (width, height):
            return "that is a displacement with rows and columns swapped"
        case (h, w, 2):
            return "that is a displacement on another grid: give one vector for each fixed pixel"
        case (1, *rest) if tuple(rest) in ((2, 3), (3, 3), (height, width, 2)):
            return "that has a batch axis in front: return the first element"
        case (n,) if n in (2, 3, 4, 6):
            return "that is a vector of parameters: build the matrix from it"
        case (2, 2):
            return "that is a matrix without its translation: add the third column"
        case (4, 4):
            return "that is a matrix for three dimensions"
        case _:
            return "no transform has that shape"
