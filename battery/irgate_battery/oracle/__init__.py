"""The oracle: SimpleITK, configured to converge and not to be cheap.

    result = solve(fixed, moving, model="affine", intensity="same")

A search over rotations and shifts, SimpleITK's optimisers from coarse to fine on every pixel, and
a polish to the stationary point of SimpleITK's own metric. It never sees the truth. Importing this
package does not import SimpleITK; the first call does.

`python -m irgate_battery.oracle compare` recomputes what is stored; `rewrite` replaces it.
"""

from typing import TYPE_CHECKING

from irgate_battery.interface.quiet_simpleitk import simpleitk
from irgate_battery.oracle.recipe import ORACLE_VERSION, RECIPE
from irgate_battery.oracle.result import OracleResult, OracleUnavailable

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["ORACLE_VERSION", "RECIPE", "OracleResult", "OracleUnavailable", "solve"]


def solve(
    fixed: "ArrayLike",
    moving: "ArrayLike",
    model: str,
    intensity: str,
    mask: "ArrayLike | None" = None,
    moving_mask: "ArrayLike | None" = None,
) -> OracleResult:
    """Register `fixed` to `moving`; see `irgate_battery.oracle.registration.solve`."""
    simpleitk()
    from irgate_battery.oracle import registration

    return registration.solve(fixed, moving, model, intensity, mask, moving_mask)
