"""Ways to misread or mistake a transform, each with its name, its words and how it is undone.

A misreading is tried on an answer: what is left of its distance to the truth once the mistake is
undone? The mistakes are those of one convention taken for another (`axes`, `units`, `grids`), and
of putting a transform together (`composition`, `free_form`), so they need no knowledge of the
solver.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from irgate_battery.diagnosis import axes, composition, free_form, grids, units
from irgate_battery.diagnosis.answer_on_grid import AnswerOnGrid
from irgate_battery.diagnosis.undone import Undone


@dataclass(frozen=True)
class Misreading:
    """One mistake.

    Attributes:
        fault: its name in reports.
        words: what completes `your transform ...`, with the mend.
        variants: what is left for each variant of the mistake once it is undone.
        says_variant: whether the variant that fits is said: a factor, an offset.

    """

    fault: str
    words: str
    variants: Callable[[AnswerOnGrid], Iterator[Undone]]
    says_variant: bool = False


MISREADINGS = (
    Misreading(
        "inverse",
        "is inverted: it maps moving to fixed, by its direction or because the two images were "
        "swapped; return the one that maps fixed to moving",
        axes.inverse,
    ),
    Misreading(
        "x and y swapped",
        "has x and y swapped: x is the column and comes first",
        axes.swapped,
    ),
    Misreading(
        "inverse, x and y swapped",
        "is inverted and has x and y swapped: map fixed to moving, x (the column) first",
        axes.inverse_swapped,
    ),
    Misreading(
        "transposed",
        "has its linear part transposed (an angle of the wrong sign): rows and columns of the "
        "matrix are confused, or the angle turns y towards x",
        axes.transposed,
    ),
    Misreading(
        "negated",
        "has the sign of its displacement wrong: T(x) = x + u(x), with u from fixed to moving; "
        "-u is not the inverse either",
        axes.negated,
    ),
    Misreading(
        "inverse by negation",
        "is the negative of what maps moving to fixed: -v(x) is its inverse for pure shifts only; "
        "register fixed to moving, or invert properly",
        axes.inverse_by_negation,
    ),
    Misreading(
        "u negated",
        "has the sign of u wrong: x, the column, grows to the right, and u with it",
        axes.one_component_negated(0),
    ),
    Misreading(
        "v negated",
        "has the sign of v wrong: y, the row, grows downwards, and v with it",
        axes.one_component_negated(1),
    ),
    Misreading(
        "coordinates for displacements",
        "holds where points land, not how far they move (or the identity twice, in a matrix): a "
        "displacement is T(x) - x",
        axes.coordinates,
    ),
    Misreading(
        "half pixel",
        "is half a pixel off: the first pixel's centre is (0, 0), not its corner",
        grids.off_by(0.5),
        says_variant=True,
    ),
    Misreading(
        "one pixel off",
        "is a whole pixel off: an index, or the lag 0 of a Fourier transform of odd size",
        grids.off_by(1.0),
        says_variant=True,
    ),
    Misreading(
        "align_corners",
        "is scaled by N/(N-1) about the centre: align_corners=True and False are mixed",
        grids.mixed_corners,
    ),
    Misreading(
        "field read on another grid",
        "is a field of N samples that was read as N - 1 or N + 1 of them: resample between pixel "
        "centres",
        grids.compressed,
        says_variant=True,
    ),
    Misreading(
        "centre N/2",
        "turns about N/2: the centre of N pixels is (N-1)/2",
        grids.centre_off(0.5),
    ),
    Misreading(
        "centre off",
        "turns about a centre that is a whole pixel off: the centre of N pixels is (N-1)/2, not "
        "(N+1)/2 or (N-3)/2",
        grids.centre_off(1.0),
    ),
    Misreading(
        "H and W swapped",
        "turns about ((H-1)/2, (W-1)/2): the centre is ((W-1)/2, (H-1)/2), x first",
        grids.sides_exchanged,
    ),
    Misreading(
        "about the origin",
        "mixes the image centre and the pixel origin: the shift that is returned belongs to "
        "the other; a matrix is about the pixel origin, t = c - A c + d",
        grids.origin_for_centre,
    ),
    Misreading(
        "shift before the turn",
        "composes its shift and its linear part in the other order: A (x - c) + c + d, the shift "
        "last",
        composition.shift_first,
    ),
    Misreading(
        "composed in the wrong order",
        "puts a first rotation and what was found after it together the wrong way round: what is "
        "found last is applied first, T = first . then",
        composition.stages_exchanged,
        says_variant=True,
    ),
    Misreading(
        "matrix without the identity",
        "lacks the identity: the matrix holds what is added to it, so return I + A",
        composition.without_identity,
    ),
    Misreading(
        "perspective left out",
        "has no perspective: return all three rows of the homography, and divide by the third "
        "coordinate",
        composition.without_perspective,
    ),
    Misreading(
        "perspective of another level",
        "has the perspective of another pyramid level: where the shift is doubled for the finer "
        "one, the first two numbers of the last row are halved",
        units.level_perspective,
        says_variant=True,
    ),
    Misreading(
        "scale misapplied",
        "has its scale twice, or inverted: s multiplies the rotation once, from fixed to moving",
        composition.scale_misapplied,
        says_variant=True,
    ),
    Misreading(
        "degrees for radians",
        "turns by as many radians as it should degrees: np.radians is missing",
        units.angle_times(math.degrees(1.0)),
    ),
    Misreading(
        "radians for degrees",
        "turns by as many degrees as it should radians: np.degrees is missing, or np.radians is "
        "one too many",
        units.angle_times(math.radians(1.0)),
    ),
    Misreading(
        "normalised units",
        "is in normalised units, not in pixels: multiply by half the size, and mind align_corners",
        units.normalised,
    ),
    Misreading(
        "turned in normalised units",
        "turns in normalised units, which is a shear where W and H differ: turn in pixels",
        units.turned_in_square,
    ),
    Misreading(
        "divided by the other side",
        "has dx divided by the height and dy by the width on the way to normalised units: x goes "
        "with W, y with H",
        units.other_side,
    ),
    Misreading(
        "level scale",
        "has its shift wrong by a power of two: a pyramid level's shift was not rescaled",
        units.level_scale,
        says_variant=True,
    ),
    Misreading(
        "turned by 180 degrees",
        "is turned by half a turn: a spectrum's magnitude cannot tell the two, the images can",
        axes.half_turn,
    ),
    Misreading(
        "y upwards",
        "has y running upwards: row 0 is the top, and y grows downwards",
        axes.y_upwards,
    ),
    Misreading(
        "rounded",
        "is rounded to whole pixels: refine the peak below the pixel",
        units.rounded,
    ),
    Misreading(
        "refinement added twice",
        "has what lies below the whole pixel added twice: the refined peak holds it already",
        composition.fraction_twice,
    ),
    Misreading(
        "periodic wrap",
        "is off by a whole image: a shift beyond half the size comes out of a Fourier transform "
        "with the size subtracted",
        units.wrapped,
    ),
    Misreading(
        "rows and columns of the field swapped",
        "is a field that was laid out as (W, H, 2): it must be (H, W, 2)",
        axes.field_laid_out_by_columns,
    ),
    Misreading(
        "control grid transposed",
        "has its control points laid out by columns: a (2, 4, 4) grid has y along its rows",
        free_form.control_grid_transposed,
    ),
    Misreading(
        "FFD domain",
        "has its control points on another domain: B-splines span (N + 1/4) px from -5/8 px on",
        free_form.spline_domain,
    ),
    Misreading(
        "affine and warp in the wrong order",
        "puts the affine map and the warp together in the wrong order: what was found last is "
        "applied first",
        free_form.warp_before_affine,
    ),
    Misreading(
        "scaled",
        "has every displacement wrong by one factor: a pixel spacing, a step size, a resized image",
        units.scaled,
        says_variant=True,
    ),
)
"""The simplest come first: where two fit equally well, the first is named."""
