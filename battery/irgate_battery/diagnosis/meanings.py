"""What each fault's name means, as a clause that begins with `your transform` or `your solver`."""

from irgate_battery.diagnosis.misreadings import MISREADINGS
from irgate_battery.diagnosis.objectives import WRONG_OBJECTIVES
from irgate_battery.interface.protocol import HANGS, LOST, RAISES

UNEXPECTED_PASS = "unexpected pass"
"""What fails an item that was to fail, and passes."""

HABITS = {
    "identity": "your transform is the identity: nothing was moved",
    "images swapped": "your transform maps moving to fixed: exchange the two images",
    "translation only": (
        "your answers shift and do nothing else, where the model and the true motion have more: "
        "estimate the other parameters, or declare models = ('translation',)"
    ),
    "affine part only": (
        "your transform is affine where a free-form deformation was asked for: the control points "
        "did not move"
    ),
    "scale in a rigid model": (
        "your transform has a scale where a rigid motion was asked for: estimate angle and shift "
        "alone"
    ),
    "scale left out": (
        "your transform has a scale of 1 where a similarity was asked for: estimate the scale too"
    ),
    "every frequency weighted alike": (
        "your solver weights every frequency alike (phase correlation), so that a smooth image's "
        "noise decides: do not divide by the spectrum's magnitude"
    ),
    "centroid of negative values": (
        "your solver refines its peak by a centroid over values of both signs: fit a parabola"
    ),
    "mask ignored": "your solver ignores the mask",
    "mask inverted": (
        "your solver reads the mask the wrong way round: True is where the image may be trusted"
    ),
    "intensity scale": (
        "your solver depends on the scale of intensities: a threshold, a damping or a tolerance "
        "does not scale with them"
    ),
    "intensity assumption": (
        "your solver takes brightness to be constant where it varies: correlate, or fit gain and "
        "offset"
    ),
    "noise": "your solver is led astray by noise",
    "stops early": (
        "your solver stops early: from its own answer a descent goes on (more iterations, a "
        "smaller tolerance, a longer step)"
    ),
    "wrong start": (
        "your solver does not find its way: started at the truth it stays there, so the search or "
        "the width of the basin is at fault"
    ),
    "flees the overlap": (
        "your solver flees the overlap: a sum or a mean that fewer pixels make smaller"
    ),
    "read-out": (
        "your solver returns something else than it found: from the truth it comes back to the "
        "same wrong answer, although the images match better there (the order of two stages, the "
        "angle's sign or centre, the last step instead of the best)"
    ),
    "worsens its start": (
        "your solver makes its start worse: a step of the wrong sign, side or scale is accepted, "
        "or the last one is returned instead of the best"
    ),
    "another objective": (
        "your solver has its optimum elsewhere: its objective differs (border, sampling, "
        "precision, weights)"
    ),
    "init ignored": "your solver does not use the start that it is given",
    "narrow basin": "your solver does not find back from a start that is a little off",
    UNEXPECTED_PASS: (
        "your solver passes what is expected to fail: take the lines out of the file of expected "
        "failures"
    ),
    "repeatable": "your solver answers differently from call to call, so nothing else can be told",
    "odd size": (
        "your solver fails where a side of the images is odd, and passes the same at even sides: "
        "the middle of n samples, n // 2, or the quadrants of a Fourier transform"
    ),
    "coarse answer": "your solver is right to a pixel and no nearer: refine its answer",
    "direction": "your transform does not map fixed to moving",
    "axis_order": "your transform does not have x, the column, first",
    "moves identical images": "your solver moves an image that is registered to itself",
    "family": (
        "your transform is not of the family that was asked for: estimate the model's own "
        "parameters, fit them to your field, or declare the models that you have"
    ),
    "brightness": "your solver is told that brightness varies, and takes differences all the same",
    RAISES: "your solver raises an exception",
    HANGS: "your solver does not come back in the time that a call has",
    LOST: "your solver's process ends, or answers with something that is no message of a gate",
    "output_form": "your solver returns no transform of a form that the protocol knows",
    "input_unchanged": "your solver writes into the images that it is given",
    "prints_nothing": "your solver prints to standard output",
    "global_state_unchanged": "your solver changes global state",
    "units": "your solver's answer depends on the number type or the units of the images",
    "detached input": "your solver's answer is cut off from an image: no derivative reaches it",
    "scaled gradient": "your solver's derivative is a multiple of the right one",
    "negated gradient": "your solver's derivative has the wrong sign",
    "inexact gradient": (
        "your solver's derivative is not that of its answer: an approximate Hessian, damping, an "
        "early stop, or a path that is cut"
    ),
}

INCONSISTENT = "inconsistent: "
"""Before the name of a consistency check, as the fault that its failure shows."""

INCONSISTENCIES = {
    "swapped": (
        "your solver's answer and that to the exchanged images are not each other's inverse: one "
        "image alone decides (its gradient, its border, its blur), or the descent stops early"
    ),
    **dict.fromkeys(
        ("flipped_horizontally", "flipped_vertically", "flipped_under_noise"),
        "your solver answers a pair and its mirror image differently: a half-open border, half a "
        "pixel between pyramid levels, a centre N/2, a kernel that is not symmetric",
    ),
    **dict.fromkeys(
        ("transposed", "turned"),
        "your solver answers a pair and the same pair turned differently: one axis's pixel, kernel "
        "or level size is used for both",
    ),
    "cropped": (
        "your solver's answer changes where the images are cropped: normalised each by its own "
        "range, a centre or an origin taken from the other image, the border counted"
    ),
    "padded": "your solver looks at what is masked: in the metric, a blur or a normalisation",
    "gain_and_offset": "your solver subtracts raw intensities where brightness varies",
    "another_call_between": "your solver keeps state between calls",
    "double_precision": "your solver works otherwise in double precision",
}

MEANINGS: dict[str, str] = {
    **{
        objective.fault: f"your solver's objective is wrong: {objective.words}"
        for objective in WRONG_OBJECTIVES
        if not objective.variant
    },
    **{misreading.fault: f"your transform {misreading.words}" for misreading in MISREADINGS},
    **HABITS,
    **{f"{INCONSISTENT}{check}": words for check, words in INCONSISTENCIES.items()},
}


def meaning(fault: str) -> str:
    """Return what a fault's name means; the name itself for one that is not known here."""
    return MEANINGS.get(fault, fault)
