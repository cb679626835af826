"""The oracle: SimpleITK, configured to converge and not to be cheap.

    result = solve(fixed, moving, model="affine", intensity="same")

A search over rotations and shifts, SimpleITK's optimisers from coarse to fine on every pixel, and
a polish to the stationary point of SimpleITK's own metric. It never sees the truth. Importing this
package does not import SimpleITK; the first call does.

`python -m irgate_battery.oracle compare` recomputes what is stored; `rewrite` replaces it.
"""

import warnings
from typing import TYPE_CHECKING, Any

from irgate_battery.oracle.result import OracleResult, OracleUnavailable
from irgate_battery.oracle.settings import ORACLE_VERSION, RECIPE

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["ORACLE_VERSION", "RECIPE", "OracleResult", "OracleUnavailable", "simpleitk", "solve"]


def simpleitk() -> Any:
    """Import SimpleITK and return it, with warnings off.

    SimpleITK 2.4 warns while it is imported, and where warnings are errors it ends the process.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import SimpleITK
    return SimpleITK


def solve(
    fixed: "ArrayLike",
    moving: "ArrayLike",
    model: str,
    intensity: str,
    mask: "ArrayLike | None" = None,
) -> OracleResult:
    """Register `fixed` to `moving`; see `irgate_battery.oracle.registration.solve`."""
    simpleitk()
    from irgate_battery.oracle import registration

    return registration.solve(fixed, moving, model, intensity, mask)
