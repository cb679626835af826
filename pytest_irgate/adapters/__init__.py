"""The solvers that the gate knows by name, and where each lies: a table, standard library only.

An adapter is imported only when it is named, and only the adapter imports its library.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Adapter:
    """A solver that has a name of its own.

    Attributes:
        target: where the callable lies, `module:attribute`.
        extra: the extra of this distribution that brings its library, or `None` where every
            installation has it.
        about: what it is and which models it has, one line.

    """

    target: str
    extra: str | None
    about: str


ADAPTERS: Mapping[str, Adapter] = MappingProxyType(
    {
        "bundled": Adapter(
            "pytest_irgate.adapters.bundled:register",
            None,
            "this project's own differentiable solver: translation, rigid, affine, ffd",
        ),
        "opencv-ecc": Adapter(
            "pytest_irgate.adapters.opencv:register",
            "opencv",
            "OpenCV's findTransformECC in a pyramid: translation, rigid, affine",
        ),
    }
)
"""By name, in the order in which they are listed."""
