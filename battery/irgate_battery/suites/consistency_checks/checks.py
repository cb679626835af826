"""Which checks the consistency suite has, and what each holds against what."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from irgate_battery.interface.protocol import SolverFault
from irgate_battery.judge.limits import REGISTERED_PX, REPEAT_PX, ROUGH_PX
from irgate_battery.suites import symmetries
from irgate_battery.suites.consistency_checks.consistency_check import (
    Asking,
    ConsistencyCheck,
    Held,
    apart,
    held,
    tolerance_px,
)
from irgate_battery.suites.evaluation import NotAsked, refusal, require_argument
from irgate_battery.suites.fixed_problems import (
    LINEAR_MODELS,
    ROUGH_TURN_DEG,
    clean,
    far_turn,
    largest_linear,
    rough,
    spotlit,
)
from irgate_battery.suites.problem import Problem
from irgate_battery.suites.symmetries import Symmetry

CROP = symmetries.cropped((3, 8), (6, 4), level=True)
"""It cuts the bright spot off the fixed image and leaves it in the moving one."""

PADDING = symmetries.padded((9, 6), (4, 11))


def under(
    symmetry: Symmetry, what: str, *, free_form: bool = True
) -> Callable[[Asking], Iterator[Held]]:
    """Return a check that a symmetry holds on the clean problems of a solver's families.

    Args:
        symmetry: what is changed.
        what: the answer that is held against that to the problem itself.
        free_form: whether the symmetry holds for an FFD.
    """

    def check(asking: Asking) -> Iterator[Held]:
        for problem in _problems(asking, free_form=free_form):
            own = asking.registered(problem)
            found = asking.answer(symmetry.changed(problem))
            yield held(what, symmetry.restored(found, own.field), own, problem)

    return check


def cropped(asking: Asking) -> Iterator[Held]:
    """Hold the answer to both images cropped against that to the whole ones."""
    # Of the six parameters of an affine map some hang on the corners, and a crop takes those away.
    model = largest_linear(asking.solver, ("translation", "affine", "rigid"))
    if model is None:
        raise _lacks(asking, ("translation", "rigid", "affine"))
    problem = spotlit(model)
    own = asking.registered(problem)
    found = asking.answer(CROP.changed(problem))
    what = "the answer to both images cropped by whole pixels, shifted back,"
    yield held(what, CROP.restored(found, own.field), own, problem)


def padded(asking: Asking) -> Iterator[Held]:
    """Hold the answer to a fixed image in a masked frame against that without the frame."""
    require_argument(asking.solver, "mask")
    yield from under(
        PADDING,
        "the answer to the fixed image in a bright frame under the mask, shifted back,",
        free_form=False,
    )(asking)


def brightened(asking: Asking) -> Iterator[Held]:
    """Hold the answer under a gain and an offset against that without."""
    if "intensity" not in asking.solver.accepts:
        raise NotAsked(f"solver {asking.solver.name!r} takes no intensity, so it was not told")
    change = symmetries.BRIGHTENED
    for problem in _problems(asking, free_form=False):
        own = asking.registered(problem, "varying")
        found = asking.answer(change.changed(problem), "varying")
        what = (
            f"the answer with moving {symmetries.GAIN:g} moving + {symmetries.OFFSET:g}, under "
            'intensity="varying",'
        )
        yield held(what, change.restored(found, own.field), own, problem)


def another_call_between(asking: Asking) -> Iterator[Held]:
    """Hold the answer before a call on another pair against that after it."""
    for problem in _problems(asking, free_form=True):
        before = asking.answer(problem)
        model = asking.solver.models[0]
        asking.answer(symmetries.TRANSPOSED.changed(clean(model)))
        after = asking.answer(problem)
        off = float(np.linalg.norm(after - before, axis=-1).max())
        what = f"{problem.model}: the answer after a call on another pair"
        yield Held(what, off, float(REPEAT_PX), "the same images are rounded in the same way")


def double_precision(asking: Asking) -> Iterator[Held]:
    """Hold the answer to float64 images against that to float32 ones."""
    for problem in _problems(asking, free_form=True):
        own = asking.registered(problem)
        try:
            # Its images are float64 as they are.
            found = asking.answer(problem, as_given=True)
        except SolverFault as fault:
            raise refusal(asking.solver, "float64 images", fault) from None
        yield held("the answer to the images as float64", found, own, problem)


def flipped_under_noise(asking: Asking) -> Iterator[Held]:
    """Hold the answers to mirror images against that to the pair, where minima lie close."""
    solver = asking.solver
    model = largest_linear(solver, ("affine", "rigid"))
    if model is None:
        raise _lacks(asking, ("rigid", "affine"))
    problem = rough(model)
    own = asking.own(problem)
    if own.own_px > REGISTERED_PX:
        # Whether it should have come there is what the battery asks.
        raise NotAsked(
            f"solver {solver.name!r} stands {own.own_px:.3g} px from the truth at a turn of "
            f"{ROUGH_TURN_DEG:g} degrees, which is beyond its reach"
        )
    tolerance, because = tolerance_px(asking.own(far_turn(model)).own_px, ROUGH_PX)
    for symmetry, how in (
        (symmetries.FLIPPED_HORIZONTALLY, "left to right"),
        (symmetries.FLIPPED_VERTICALLY, "upside down"),
    ):
        found = symmetry.restored(asking.answer(symmetry.changed(problem)), own.field)
        what = f"{model}: the answer to both images flipped {how}, under noise, flipped back,"
        yield Held(what, apart(found, own.field, problem), tolerance, because)


SIDES = (
    "a half-open border, half a pixel between pyramid levels, a centre N/2, or a blur or gradient "
    "kernel that is not symmetric"
)
AXES = "x and y treated unlike: a pixel size, a kernel or a level size of one axis used for both"

CHECKS = (
    ConsistencyCheck(
        "swapped",
        "swapping fixed and moving inverts the answer",
        "an objective that one image alone decides (its gradient, its border, its blur), a centre "
        "that is not the same in both, or a descent that stops early",
        under(
            symmetries.SWAPPED,
            "the inverse of the answer to fixed and moving swapped",
            free_form=False,
        ),
    ),
    ConsistencyCheck(
        "flipped_horizontally",
        "flipping both images left to right flips the answer",
        SIDES,
        under(
            symmetries.FLIPPED_HORIZONTALLY,
            "the answer to both images flipped left to right, flipped back,",
        ),
    ),
    ConsistencyCheck(
        "flipped_vertically",
        "flipping both images upside down flips the answer",
        SIDES,
        under(
            symmetries.FLIPPED_VERTICALLY,
            "the answer to both images flipped upside down, flipped back,",
        ),
    ),
    ConsistencyCheck(
        "transposed",
        "transposing both images transposes the answer",
        AXES,
        under(symmetries.TRANSPOSED, "the answer to both images transposed, transposed back,"),
    ),
    ConsistencyCheck(
        "turned",
        "turning both images by 90 degrees turns the answer",
        f"{AXES}; {SIDES}",
        under(symmetries.TURNED, "the answer to both images turned by 90 degrees, turned back,"),
    ),
    ConsistencyCheck(
        "cropped",
        "cropping both images by whole pixels shifts the answer by their difference",
        "images that are normalised each by its own range or mean, a centre or an origin that is "
        "taken from the other image, pixels beyond the border that are counted",
        cropped,
    ),
    ConsistencyCheck(
        "padded",
        "a frame under the mask around the fixed image shifts the answer by its width",
        "what is masked is looked at (in the metric, in a blur, in a normalisation), or the centre "
        "of the moving image is taken from the fixed one",
        padded,
    ),
    ConsistencyCheck(
        "gain_and_offset",
        "a gain and an offset change nothing where intensities may vary",
        "differences of raw intensities, or a gain that is estimated on a coarse level alone",
        brightened,
    ),
    ConsistencyCheck(
        "another_call_between",
        "a call on another pair changes nothing",
        "state that is kept between calls: the last answer as a start, or a buffer, a grid or a "
        "spline that is kept for one size and used for another",
        another_call_between,
    ),
    ConsistencyCheck(
        "double_precision",
        "images as float64 give the answer that they give as float32",
        "a threshold or a step that depends on the type, or a part of the work in half precision",
        double_precision,
    ),
    ConsistencyCheck(
        "flipped_under_noise",
        "flipping both images flips the answer even where minima lie close",
        "half a pixel between pyramid levels, so that the descent enters the full images from one "
        "side; a half-open border; a kernel that is not symmetric",
        flipped_under_noise,
    ),
)
"""All of them, in the order in which they run."""


def _problems(asking: Asking, *, free_form: bool) -> Iterator[Problem]:
    """Yield the clean problems of the solver's largest linear family, and of the FFD if it has one.

    Raises: NotAsked, where it has neither.
    """
    solver = asking.solver
    linear = largest_linear(solver)
    if linear is not None:
        yield clean(linear)
    if free_form and "ffd" in solver.models:
        yield clean("ffd")
    elif linear is None:
        raise _lacks(asking, LINEAR_MODELS)


def _lacks(asking: Asking, models: Sequence[str]) -> NotAsked:
    return NotAsked(f"solver {asking.solver.name!r} has none of the models {list(models)}")
