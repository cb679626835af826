"""The table of recipes: named ways to register, each a composition of the solver's parts.

A recipe says for each class of pair (brightness the same or varying, a linear family or an FFD)
which metric is minimised, through which sampler, with which priors, and by which descent. It holds
no code of its own. What a caller of `register` names goes before what the recipe says.
"""

import json
from dataclasses import dataclass, replace
from importlib.resources import files

DEFAULT = "iclk-implicit"
"""The recipe of a call that names none."""


@dataclass(frozen=True)
class Parts:
    """What a solve is made of.

    Attributes:
        metric: what is minimised on the full images.
        approach: what the way there minimises; None for the metric itself.
        descent: "lm", "lbfgs" or "adam": what goes down on the way. What settles is always "lm".
        sampling: "linear", "cubic" or "catmull-rom"; None for the caller's, or else "linear".
        huber_width: residual, as a part of the fixed image's range, from which on Huber's metric is
            linear; None to take it from the residuals. A fixed one has an exact derivative.
        bending: weight of the mean bending energy of an FFD.
        total_variation: weight of the displacement's total variation.
        anchor: weight of the distance of the affine part from the start's.
        stages: the stages of the solve, a key of `_register.STAGES`.
        gradient: "implicit" (by the implicit function theorem at the minimum), "unrolled" (through
            the iterations on the full images) or "none".

    """

    metric: str = "ssd"
    approach: str | None = None
    descent: str = "lm"
    sampling: str | None = None
    huber_width: float | None = None
    bending: float = 0.0
    total_variation: float = 0.0
    anchor: float = 0.0
    stages: str = "iclk"
    gradient: str = "implicit"


@dataclass(frozen=True)
class Recipe:
    """One named way to register.

    Attributes:
        name: as `register` takes it.
        about: what it is, one line.
        same: its parts where brightness constancy holds.
        varying: its parts where gain, bias or contrast may differ.
        same_ffd, varying_ffd: the same for an FFD; None for those of the linear families.

    """

    name: str
    about: str
    same: Parts
    varying: Parts
    same_ffd: Parts | None = None
    varying_ffd: Parts | None = None

    def parts(self, intensity: str, model: str) -> Parts:
        """Return the parts for one class of pair."""
        if intensity == "same":
            parts, for_ffd = self.same, self.same_ffd
        else:
            parts, for_ffd = self.varying, self.varying_ffd
        return for_ffd if model == "ffd" and for_ffd is not None else parts


def _winners() -> dict[str, Parts]:
    """Return the parts that `benchmarks/ladder.py` found best, by class of pair."""
    text = files("irgate_solver").joinpath("_ladder.json").read_text(encoding="utf-8")
    return {pair_class: Parts(**parts) for pair_class, parts in json.loads(text).items()}


_BENDING = 1e-4
_TOTAL_VARIATION = 1e-6
_SSD, _NCC = Parts("ssd"), Parts("ncc")
_HUBER = Parts("huber", huber_width=0.05)
_BUNDLE = Parts("huber", stages="bundle")
_SIREN = Parts("ssd", stages="siren", gradient="none")
_CUBIC_SSD = Parts("ssd", sampling="cubic")
_MIND = Parts("mind", sampling="cubic")
_PYRAMID = Parts("mind-pyramid", sampling="cubic", descent="lbfgs")
_MIND_THEN_MI = Parts("nmi", approach="mind", sampling="cubic")

_TABLE = (
    Recipe(
        DEFAULT,
        "inverse-compositional, 4 levels, float64 Cholesky, implicit gradient",
        _SSD,
        _NCC,
    ),
    Recipe(
        "iclk-huber",
        "the same by Huber's metric, with bending energy for the FFD",
        _HUBER,
        _NCC,
        replace(_HUBER, bending=_BENDING),
        replace(_NCC, bending=_BENDING),
    ),
    Recipe(
        "metric-ladder",
        "cubic, the metric and the prior that a benchmark found best",
        **_winners(),
    ),
    Recipe(
        "bspline-mind",
        "cubic, MIND where brightness varies, total variation or bending",
        replace(_CUBIC_SSD, total_variation=_TOTAL_VARIATION),
        replace(_MIND, total_variation=_TOTAL_VARIATION),
        replace(_CUBIC_SSD, bending=_BENDING),
        replace(_MIND, bending=_BENDING),
    ),
    Recipe(
        "lm-bundle",
        "forward-additive LM, Huber's width anew each step, an FFD's gauge apart",
        _BUNDLE,
        replace(_NCC, stages="bundle"),
    ),
    Recipe(
        "mixed-checkpoint",
        "the default; its gradient unrolls iterations, with checkpoints",
        replace(_SSD, gradient="unrolled"),
        replace(_NCC, gradient="unrolled"),
    ),
    Recipe(
        "siren-lm",
        "a SIREN, projected on the control grid, starts the FFD's LM",
        replace(_SSD, stages="siren-start"),
        replace(_NCC, stages="siren-start"),
    ),
    Recipe(
        "mind-pyramid",
        "MIND at three scales, L-BFGS for linear models and Adam for the FFD",
        _PYRAMID,
        _PYRAMID,
        replace(_PYRAMID, descent="adam", bending=_BENDING),
        replace(_PYRAMID, descent="adam", bending=_BENDING),
    ),
    Recipe(
        "siren",
        "a SIREN alone, fitted by Adam; it gives no gradient",
        _SIREN,
        replace(_SIREN, metric="ncc"),
    ),
    Recipe(
        "mind-mi",
        "for two modalities: MIND approaches, mutual information settles",
        _MIND_THEN_MI,
        _MIND_THEN_MI,
        replace(_MIND_THEN_MI, bending=_BENDING),
        replace(_MIND_THEN_MI, bending=_BENDING),
    ),
)
RECIPES = {recipe.name: recipe for recipe in _TABLE}
"""By name, in the order in which they are listed."""


def recipes() -> dict[str, str]:
    """Return the names that `register(recipe=...)` takes, each with what it is, in one line."""
    return {name: recipe.about for name, recipe in RECIPES.items()}
