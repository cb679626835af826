"""The solvers that the gate knows by name, and where each lies: a table, standard library only.

An adapter is imported only when it is named, and only the adapter imports its library.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True)
class Adapter:
    """A solver that has a name of its own.

    Attributes:
        target: where the callable lies, `module:attribute`.
        extra: the extra of this distribution that brings its library.
        about: what it is and which models it has, one line.
        recipes: named ways in which the solver works, each with what it is, one line; the SPEC
            `NAME:RECIPE` chooses one. They are the keys of its module's `RECIPES`.

    """

    target: str
    extra: str
    about: str
    recipes: Mapping[str, str] = field(default_factory=dict)


BUNDLED_RECIPES = MappingProxyType(
    {
        "iclk-implicit": "inverse-compositional, 4 levels, float64 Cholesky, implicit gradient",
        "iclk-huber": "the same by Huber's metric, with bending energy for the FFD",
        "metric-ladder": "cubic, the metric and the prior that a benchmark found best",
        "bspline-mind": "cubic, MIND where brightness varies, total variation or bending",
        "lm-bundle": "forward-additive LM, Huber's width anew each step, an FFD's gauge apart",
        "mixed-checkpoint": "the default; its gradient unrolls iterations, with checkpoints",
        "siren-lm": "a SIREN, projected on the control grid, starts the FFD's LM",
        "mind-pyramid": "MIND at three scales, L-BFGS for linear models and Adam for the FFD",
        "siren": "a SIREN alone, fitted by Adam; it gives no gradient",
        "mind-mi": "for two modalities: MIND approaches, mutual information settles",
    }
)
"""What `irgate_solver.recipes()` returns, for those who list names without importing torch."""

ADAPTERS: Mapping[str, Adapter] = MappingProxyType(
    {
        "bundled": Adapter(
            "pytest_irgate.adapters.bundled:register",
            "bundled",
            "this project's own differentiable solver: all models",
            BUNDLED_RECIPES,
        ),
        "simpleitk": Adapter(
            "pytest_irgate.adapters.simpleitk:register",
            "oracle",
            "SimpleITK as its users set it up, without a search: all models but the homography",
        ),
        "opencv-ecc": Adapter(
            "pytest_irgate.adapters.opencv:register",
            "opencv",
            "OpenCV's findTransformECC in a pyramid: translation, rigid, affine, homography",
        ),
        "opencv-sift": Adapter(
            "pytest_irgate.adapters.opencv_features:register",
            "opencv",
            "OpenCV's SIFT points and RANSAC: all models but the free form",
        ),
        "pystackreg": Adapter(
            "pytest_irgate.adapters.pystackreg:register",
            "pystackreg",
            "TurboReg's splines in a pyramid: translation, rigid, affine, similarity",
        ),
        "skimage-phase": Adapter(
            "pytest_irgate.adapters.skimage_phase:register",
            "skimage",
            "scikit-image's sub-pixel cross-correlation: translation",
        ),
        "skimage-flow": Adapter(
            "pytest_irgate.adapters.skimage_flow:register",
            "skimage",
            "scikit-image's TV-L1 optical flow, a dense displacement: ffd",
        ),
        "kornia": Adapter(
            "pytest_irgate.adapters.kornia:register",
            "kornia",
            "kornia's ImageRegistrator: translation, rigid, similarity, homography",
        ),
        "itk-elastix": Adapter(
            "pytest_irgate.adapters.elastix:register",
            "elastix",
            "elastix's stochastic descent: all models but the homography",
        ),
        "antspyx": Adapter(
            "pytest_irgate.adapters.ants:register",
            "ants",
            "ANTs, and SyN: all models but the homography",
        ),
        "dipy": Adapter(
            "pytest_irgate.adapters.dipy:register",
            "dipy",
            "dipy by mutual information, and SyN: all models but the homography",
        ),
    }
)
"""By name, in the order in which they are listed."""
