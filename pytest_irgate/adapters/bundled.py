"""The bundled solver, `irgate_solver`, under the gate's protocol, by each of its recipes."""

from typing import Any

import torch

from irgate_solver import recipes
from irgate_solver import register as _register
from pytest_irgate import __version__
from pytest_irgate.adapters.torch_thread import one_thread

WITHOUT_GRADIENT = ("siren",)
"""Recipes that refuse inputs that require grad: their answer is no stationary point of anything."""
MODELS = ("translation", "rigid", "affine", "ffd", "similarity", "homography")
PROJECTIVE = ("iclk-implicit", "iclk-huber")
"""Recipes that take a homography: metrics of single pixels for every pair, and no priors for it."""


class Bundled:
    """The bundled solver by one recipe, see `irgate_solver.register`.

    Attributes:
        name, version, models, differentiable: what the protocol reads.

    """

    version = __version__

    def __init__(self, recipe: str | None = None) -> None:
        self._recipe = recipe or next(iter(recipes()))  # the first is the default
        self.models = MODELS if self._recipe in PROJECTIVE else MODELS[:-1]
        self.differentiable = self._recipe not in WITHOUT_GRADIENT
        self.name = "irgate_solver" if recipe is None else f"irgate_solver:{recipe}"

    def __call__(
        self,
        fixed: Any,
        moving: Any,
        model: str = "affine",
        mask: Any = None,
        init: Any = None,
        intensity: str = "same",
        moving_mask: Any = None,
    ) -> Any:
        """Register.

        Arrays are sampled as the recipe says, and where it does not say, linearly, which is the
        objective that SimpleITK minimises by default. Tensors come from whoever wants gradients:
        they are sampled with cubic splines, because an answer under linear sampling has no
        derivative wherever a sample crosses a pixel's border. Descents go on to the minimum, as the
        oracle's do, however far that is below the noise.
        """
        double = any("float64" in str(image.dtype) for image in (fixed, moving))
        sampling = "cubic" if isinstance(fixed, torch.Tensor) else None
        with one_thread():
            return _register(
                torch.as_tensor(fixed),
                torch.as_tensor(moving),
                model=model,
                mask=None if mask is None else torch.as_tensor(mask),
                moving_mask=None if moving_mask is None else torch.as_tensor(moving_mask),
                init=init,
                intensity=intensity,
                sampling=sampling,
                recipe=self._recipe,
                tolerance=1e-9 if double else 1e-6,
            )


register = Bundled()
RECIPES = {name: Bundled(name) for name in recipes()}
"""The solver by each of its recipes, by name."""
