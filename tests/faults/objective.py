"""What the good solver minimises: mean squared differences, or one minus the correlation.

f and m are the fixed and the warped moving image, v is True where a pixel counts. A metric gives
its value, and the Gauss-Newton normal matrix and gradient from the columns J = dm/dp, which are
zero where v is False.
"""

import numpy as np


class SquaredDifferences:
    """E = mean over the valid pixels of (m - f)^2 / 2."""

    def residual(self, f, m, v):
        return (m - f) * v

    def count(self, v):
        """How many pixels the mean is over."""
        return max(np.count_nonzero(v), 1)

    def value(self, f, m, v):
        return 0.5 * np.sum(self.residual(f, m, v) ** 2) / self.count(v)

    def system(self, f, m, v, J):
        """Return (J^T J, J^T r) / n."""
        n = self.count(v)
        return J.gram() / n, J.project(self.residual(f, m, v)) / n


class Correlation:
    """E = 1 - rho, rho the normalised correlation over the valid pixels.

    With the unit vectors f^ and m^ of the centred images, rho = f^.m^ and, J~ being J centred,
    dE/dp = -(J~^T f^ - rho J~^T m^) / |m|; the Gauss-Newton matrix is that of |m^ - f^|^2 / 2.
    """

    def units(self, f, m, v):
        """Return the two unit images, zero where not valid, and the length of m's."""
        n = max(np.count_nonzero(v), 1)
        f = (f - np.sum(f * v) / n) * v
        m = (m - np.sum(m * v) / n) * v
        length = max(np.sqrt(np.sum(m * m)), 1e-12)
        return f / max(np.sqrt(np.sum(f * f)), 1e-12), m / length, length

    def value(self, f, m, v):
        one, other, _ = self.units(f, m, v)
        return 1 - np.sum(one * other)

    def system(self, f, m, v, J):
        one, other, length = self.units(f, m, v)
        rho = np.sum(one * other)
        mean = J.project(v.astype(float))
        along = J.project(other)
        normal = J.gram() - np.outer(mean, mean) / max(np.count_nonzero(v), 1)
        normal = (normal - np.outer(along, along)) / length**2
        return normal, -(J.project(one) - rho * along) / length
