"""Every number that decides a verdict: its value, its unit and the reason for it.

    python -m irgate_battery.judge.limits      prints the table, as in docs/limits.md

No other module of the referee defines such a number. Four of them belong to the protocol, which
stands above the judge, and are repeated here from there.
"""

from irgate_battery.interface import answer, process_state, protocol


class Limit(float):
    """A number with its unit and its reason.

    Attributes:
        unit: what the value counts; "1" for a ratio.
        why: where the value comes from, in one or two sentences.
    """

    unit: str
    why: str

    def __new__(cls, value: float, unit: str, why: str) -> "Limit":
        """Make a float that carries its unit and its reason."""
        limit = super().__new__(cls, value)
        limit.unit, limit.why = unit, why
        return limit


# The base fixtures and the hard gate.
BASE_FACTOR = Limit(
    1.1, "oracle's RMSE", "A base fixture's RMSE may be this many times the oracle's."
)
BASE_SLACK = Limit(
    1e-4,
    "intensity",
    "It is added to that: on a smooth pair the RMSE of a perfect answer is itself of this size.",
)
ESCAPE_FRACTION = Limit(
    0.9,
    "truth's coverage",
    "A result that covers less than this part of what the truth covers has left the overlap.",
)
DIVERGED_RATIO = Limit(
    1.5,
    "truth's RMSE",
    "An oracle whose RMSE is over this many times that at the true transform has not converged.",
)
DIVERGED_PX = Limit(
    0.02,
    "px",
    "Nor has one that stands so much farther from the truth than it stood when it was stored: "
    "computed anew elsewhere it comes back to a quarter of this.",
)
AGREEMENT_TARGET = Limit(
    1e-4, "intensity", "Two solvers agree where their warped images differ by no more RMSE."
)

# The signed error.
SYSTEMATIC_PX = Limit(
    1e-3,
    "px, 100 px from the centre",
    "An error of one sign is systematic where its median is over this. Linear interpolation leaves "
    "good solvers, and SimpleITK, a quarter of it.",
)
SYSTEMATIC_CHANCE = Limit(
    0.01,
    "1",
    "It has one sign where signs drawn by a coin would be as one-sided with this probability: 8 of "
    "8, 17 of 20.",
)
SYSTEMATIC_CASES = Limit(
    8, "clean cases", "With fewer no signs are that improbable: 7 of 7 come once in 64."
)

# The battery.
RATIO_CAP = Limit(
    2.0,
    "oracle's RMSE",
    "A battery case fails above this ratio, and counts for no more than this in the mean.",
)
MEAN_RATIO = Limit(
    1.10, "1", "The mean ratio over the battery may be this: as far as a base fixture's may."
)
SLACK_LINEAR_PX = Limit(
    0.05,
    "px",
    "Every model with a matrix. Good solvers leave a tenth of it on clean pairs (0.005 px), and a "
    "centre that is half a pixel off does three times as much to 15 degrees (0.18 px).",
)
SLACK_FFD_PX = Limit(
    0.1,
    "px",
    "The same for an FFD, whose outer control points hang on few pixels: good solvers leave 0.01.",
)
VARYING_PX = Limit(
    0.05,
    "px",
    "It is added where intensities vary. SimpleITK's plain descent, which stops short of the "
    "polished oracle, stands 0.06 to 0.08 px from the truth of two acquisitions under a coil's "
    "gain, and is right.",
)
ORACLE_FACTOR = Limit(
    1.5,
    "oracle's px to the truth",
    "Noise or bias may draw a solver of another objective (cubic sampling, local correlation) half "
    "as far again as the oracle, and it is no worse for it.",
)
NOISE_PX = Limit(
    1.0,
    "px per unit of noise",
    "The standard error of a shift is sigma / (g sqrt(n)): 0.01 px at sigma 0.1 with an image "
    "gradient g of 0.05 per px over n = 30000 pixels. Affine corners and FFDs have ten times that.",
)

# Conditions; the battery's limits hold for the others.
CLEAN_PX = Limit(
    0.01,
    "px",
    "Tolerance of the clean conditions. On these smooth pairs good solvers stand at 0.001, so that "
    "a scale that is off by 2e-4, or half a pixel between two centres at 8 degrees, shows.",
)

# Recovery.
RECOVERED_PX = Limit(
    1e-3, "px", "A start has come back where it ends this near to the solver's own optimum (mean)."
)
RECOVERY_SEEDS = Limit(10, "starts", "Each item of the recovery suite has so many drawn starts.")
RECOVERY_SHARE = Limit(0.9, "of the starts", "So many of an item's starts must come back.")

# The gradient.
GRADIENT_ERROR = Limit(
    1e-3,
    "relative",
    "Autograd against central differences. Linear sampling has no derivative where a sample "
    "crosses a pixel's border; what differences then see of the kinks is some 1e-4.",
)
GRADIENT_DIRECTIONS = Limit(
    2,
    "directions an image",
    "A wrong gradient that agrees along two drawn directions is no accident.",
)
REGISTERED_PX = Limit(
    1.0,
    "px",
    "The answer whose derivative is asked for must stand this near to the truth: that it is a "
    "registration at all. The other suites say how good a one.",
)

# The contract.
CONVENTION_PX = Limit(
    0.5,
    "px",
    "Direction and axis order are confirmed only where the answer is this near: half a pixel off "
    "could be a convention of its own.",
)
IDENTITY_PX = Limit(
    0.01,
    "px",
    "A solver may move an image against itself by this: a tenth of what a good solver leaves on a "
    "noisy pair, and far over what any stopping rule leaves on this one.",
)
REPEAT_PX = Limit(
    1e-6,
    "px",
    "Two calls with the same images may differ by this: sums in another thread order, no more.",
)
FAMILY_PX = Limit(
    0.01,
    "px",
    "Largest distance between an answer and the nearest member of the requested family. Float32 "
    "over 200 px leaves a thousandth of it, and the pair's own shear is a hundred times as much.",
)
BRIGHTNESS_PX = Limit(
    0.1,
    "px",
    'A gain and an offset may move an answer under intensity="varying" by this. Correlation does '
    "not see them at all; mean squares are pulled by pixels and more.",
)
UNITS_PX = Limit(
    0.01,
    "px",
    "Mean distance between the answers to one pair in two number types or units. Rounding leaves a "
    "thousandth of it; a stopping rule in absolute intensities leaves pixels.",
)
THREADS_END = Limit(
    process_state.THREADS_END,
    "s",
    "A thread that a call began may take so long to end after it: a pool that shuts down ends at "
    "once, one that is kept never does.",
)

# Consistency.
CONSISTENT_PX = Limit(
    0.02,
    "px",
    "Mean distance of two answers that must be the same. Good solvers leave a tenth of it where "
    "only kinks and borders of the objective lie otherwise, and truth allows 0.05.",
)
CONSISTENT_FACTOR = Limit(
    2.0,
    "own px to the truth",
    "Or so many times the solver's own distance to the truth: two answers that are each this far "
    "off, either way, are no less consistent.",
)
ROUGH_PX = Limit(
    0.1,
    "px",
    "The same under noise, where minima lie 0.1 to 0.3 px apart: good solvers whose pyramid is not "
    "a mirror image of itself leave up to 0.07, half a pixel between levels leaves 0.2 to 0.3.",
)

# The fuzz suite.
FOUND_PX = Limit(
    0.1,
    "px",
    "Mean distance to the truth of a drawn problem. Linear sampling of a scene with structure down "
    "to 12 px leaves 0.01, an FFD's outer control points five times that.",
)
SYMMETRY_PX = Limit(
    0.02,
    "px",
    "Mean distance of two answers that are the same by symmetry: both stop at a minimum of the "
    "same objective, whose kinks and borders may lie otherwise.",
)

# A user's own pairs: whether SimpleITK's result may be believed.
LEAST_OVERLAP = Limit(
    0.25,
    "of the smaller image",
    "The oracle seeks no smaller overlap, and slivers match anything.",
)
LEAST_CORRELATION = Limit(
    0.5,
    "correlation",
    "Of fine structure: between the 0.43 of two different photographs and the 0.77 of the noisiest "
    "known pair.",
)

# Packs, and own pairs with a truth.
LANDMARK_PX = Limit(
    1.0,
    "px",
    "Mean distance to landmarks that passes where a case states no tolerance: a hand sets a point "
    "to a pixel or so. A transform is held to the slack of its model, as a battery case.",
)

# The protocol's own.
ANSWER_LAST_ROW = Limit(
    answer.LAST_ROW_TOLERANCE,
    "matrix entry",
    "A 3x3 answer's last row may stand this far from (0, 0, 1): float32 rounding, with room.",
)
ANSWER_LARGEST = Limit(
    answer.LARGEST,
    "px or matrix entry",
    "Larger numbers in an answer mean nothing, and their squares overflow.",
)
HANGS_IN_A_ROW = Limit(
    protocol.HANGS_IN_A_ROW,
    "calls",
    "After so many hanging calls in a row, a solver is not called again: a whole run of them would "
    "take a night. It is more than three, because three cases in a row turn far.",
)
CALL_SECONDS = Limit(
    protocol.DEFAULT_TIMEOUT,
    "s",
    "The default limit for one call: no pair of 200 px needs it, and a call that hangs ends all "
    "the same.",
)

TABLE = {name: value for name, value in vars().items() if isinstance(value, Limit)}
"""All of them by name, in the order of this file."""


PAGE = """\
# Limits

Every number that decides whether something passes, for those who want to know how strict the gate
is, and why. Made by `python -m irgate_battery.judge.limits`.

| limit | value | unit | why |
|---|---|---|---|
{rows}
"""


def page() -> str:
    """Return the page of the limits, as Markdown."""
    rows = [
        f"| `{name}` | {limit:g} | {limit.unit} | {limit.why} |" for name, limit in TABLE.items()
    ]
    return PAGE.format(rows="\n".join(rows))


if __name__ == "__main__":
    print(page(), end="")
