"""Changes of a problem whose effect on its answer is known: what properties and checks share.

Each `Symmetry` changes a problem, and restores from the answer to that what the answer to the
problem itself must be. Of two images of one size H x W, p a pixel of the fixed image and
q = T(p) = p + u(p):

    both flipped left to right   p' = (W - 1 - x, y)    u'(p') = (-u_x, u_y)
    both flipped upside down     p' = (x, H - 1 - y)    u'(p') = (u_x, -u_y)
    both transposed              p' = (y, x)            u'(p') = (u_y, u_x)
    both turned by 90 degrees    p' = (y, W - 1 - x)    u'(p') = (u_y, -u_x)
    fixed and moving swapped     p' = q                 u'(q) = -u(p)
    cut by a and by b            p' = p - a             u'(p') = u(p) + a - b
    fixed padded by a            p' = p + a             u'(p') = u(p) - a
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from irgate_battery.judge.measure import look_up
from irgate_fixtures import pixel_grid

if TYPE_CHECKING:
    from irgate_battery.suites.problem import Problem

Field = NDArray[np.float64]
Image = NDArray[np.float64]

GAIN, OFFSET = 0.6, 0.3
"""moving becomes GAIN moving + OFFSET, within [0, 1] again."""

FRAME = 1.0
"""Intensity of what is padded: a burnt-in white border."""


@dataclass(frozen=True)
class Symmetry:
    """A change of a problem, and the way back from its answer.

    Attributes:
        changed: returns the changed problem. Its truth is still that of the problem itself.
        restored: takes the displacement `(H', W', 2)` that answers the changed problem, and that
            `(H, W, 2)` of the problem itself. Returns what the latter must be, `(H, W, 2)`, px;
            NaN at pixels of which the former says nothing.
    """

    changed: Callable[[Problem], Problem]
    restored: Callable[[Field, Field], Field]


def both(problem: Problem, change: Callable[[NDArray[Any]], NDArray[Any]]) -> Problem:
    """Return the problem with both images, and the mask, changed in the same way."""
    mask = None if problem.mask is None else change(problem.mask)
    return replace(problem, fixed=change(problem.fixed), moving=change(problem.moving), mask=mask)


FLIPPED_HORIZONTALLY = Symmetry(
    changed=lambda problem: both(problem, np.fliplr),
    restored=lambda found, plain: np.fliplr(found) * (-1, 1),
)

FLIPPED_VERTICALLY = Symmetry(
    changed=lambda problem: both(problem, np.flipud),
    restored=lambda found, plain: np.flipud(found) * (1, -1),
)

TRANSPOSED = Symmetry(
    changed=lambda problem: both(problem, np.transpose),
    restored=lambda found, plain: found.swapaxes(0, 1)[..., ::-1],
)

TURNED = Symmetry(
    changed=lambda problem: both(problem, np.rot90),
    restored=lambda found, plain: np.rot90(found, -1)[..., ::-1] * (-1, 1),
)


def _swapped_back(found: Field, plain: Field) -> Field:
    grid = pixel_grid(plain.shape[:2])
    return -np.stack([look_up(part, grid + plain) for part in np.moveaxis(found, -1, 0)], axis=-1)


SWAPPED = Symmetry(
    changed=lambda problem: replace(problem, fixed=problem.moving, moving=problem.fixed),
    restored=_swapped_back,
)
"""S(T(x)) = x, hence u(x) = -v(T(x)) for S(y) = y + v(y), wherever T(x) is in the moving image."""

BRIGHTENED = Symmetry(
    changed=lambda problem: replace(problem, moving=GAIN * problem.moving + OFFSET),
    restored=lambda found, plain: found,
)


def cropped(fixed: tuple[int, int], moving: tuple[int, int], *, level: bool = False) -> Symmetry:
    """Cut whole rows and columns off the top left of both images.

    Args:
        fixed, moving: rows and columns cut off each.
        level: whether both images keep one size: what is cut off one on the top left is then cut
            off the other on the bottom right.
    """
    (top, left), (moving_top, moving_left) = fixed, moving

    def cut(image: Image, first: tuple[int, int], last: tuple[int, int]) -> Image:
        height, width = image.shape
        bottom, right = last if level else (0, 0)
        return image[first[0] : height - bottom, first[1] : width - right]

    def restored(found: Field, plain: Field) -> Field:
        whole = np.full(plain.shape, np.nan)
        height, width = found.shape[:2]
        back = (left - moving_left, top - moving_top)
        whole[top : top + height, left : left + width] = found - back
        return whole

    return Symmetry(
        changed=lambda problem: replace(
            problem,
            fixed=cut(problem.fixed, fixed, moving),
            moving=cut(problem.moving, moving, fixed),
        ),
        restored=restored,
    )


def padded(first: tuple[int, int], last: tuple[int, int]) -> Symmetry:
    """Pad the fixed image by a bright frame that the mask does not trust.

    Args:
        first: rows and columns in front.
        last: those behind.
    """
    (top, left), (bottom, right) = first, last
    frame = ((top, bottom), (left, right))

    def changed(problem: Problem) -> Problem:
        trusted = np.ones(problem.shape, bool) if problem.mask is None else problem.mask
        fixed = np.pad(problem.fixed, frame, constant_values=FRAME)
        return replace(problem, fixed=fixed, mask=np.pad(trusted, frame))

    def restored(found: Field, plain: Field) -> Field:
        height, width = plain.shape[:2]
        return found[top : top + height, left : left + width] + (left, top)

    return Symmetry(changed, restored)
