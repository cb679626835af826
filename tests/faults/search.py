"""The good solver's coarse search: every 15 degrees, every shift, by masked correlation.

For each rotation the moving image is turned about its centre, and its correlation with the fixed
image at every lag is computed by FFT over the pixels that overlap there (Padfield 2012, "Masked
object registration in the Fourier domain").
"""

import numpy as np
from scipy import fft
from scipy.ndimage import map_coordinates

FAN = 24
"""Rotations, 15 degrees apart."""

LEAST_SHARE = 0.2
"""Least overlap of a peak, over the smaller image."""


class Search:
    """Rank rotations and shifts on one level; the steps are there to be broken one by one."""

    def angles(self, turning):
        return 2 * np.pi * np.arange(FAN if turning else 1) / FAN

    def starts(self, fixed, trusted, moving, turning):
        """Return a start matrix for each rotation, best first.

        Args:
            fixed, trusted: a level's fixed image, and where it counts.
            moving: that level's moving image.
            turning: whether rotations are searched.
        """
        angles = self.angles(turning)
        ranked = []
        for angle in angles:
            turned, seen = self.turned(moving, angle)
            rank, lag = self.best_lag(fixed, trusted, turned, seen)
            ranked.append((rank, angle, lag))
        ranked.sort(key=lambda entry: -entry[0])
        return [self.start(fixed, moving, angle, lag) for _, angle, lag in ranked]

    def turned(self, moving, angle):
        """Return moving(R z + centre) for z on a square about 0, and where that is seen."""
        height, width = moving.shape
        side = int(np.ceil(np.hypot(height, width))) + 1
        z = np.arange(side) - (side - 1) / 2
        c, s = np.cos(angle), np.sin(angle)
        x = c * z[None, :] - s * z[:, None] + (width - 1) / 2
        y = s * z[None, :] + c * z[:, None] + (height - 1) / 2
        seen = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
        image = map_coordinates(moving, [y, x], order=1, mode="nearest")
        return image * seen, seen

    def padded(self, fixed, turned):
        """Return the size of the transforms: both images side by side, so that no lag wraps."""
        return [fft.next_fast_len(a + b, real=True) for a, b in zip(fixed, turned, strict=True)]

    def correlations(self, fixed, trusted, turned, seen):
        """Return rho and the number of overlapping pixels at every lag."""
        size = self.padded(fixed.shape, turned.shape)
        level = fixed[trusted].mean() if trusted.any() else 0.0
        f, m = (fixed - level) * trusted, (turned - level) * seen
        F, F2, Fw = (fft.rfft2(a, size).conj() for a in (f, f * f, trusted.astype(float)))
        M, M2, Mw = (fft.rfft2(a, size) for a in (m, m * m, seen.astype(float)))

        def lags(one, other):
            return fft.irfft2(one * other, size)

        count = np.maximum(lags(Fw, Mw), 1e-3)
        sum_f, sum_m = lags(F, Mw), lags(Fw, M)
        var_f = lags(F2, Mw) - sum_f**2 / count
        var_m = lags(Fw, M2) - sum_m**2 / count
        floor = 1e-4 * count * (np.mean(f * f) + np.mean(m * m))
        good = (var_f > floor) & (var_m > floor)
        covariance = lags(F, M) - sum_f * sum_m / count
        product = np.sqrt(np.maximum(var_f, 0) * np.maximum(var_m, 0))
        return np.where(good, covariance / np.maximum(product, 1e-20), -1.0), count

    def best_lag(self, fixed, trusted, turned, seen):
        """Return the rank of the best lag, atanh(rho) sqrt(overlap), and the lag (x, y)."""
        rho, count = self.correlations(fixed, trusted, turned, seen)
        share = count / max(min(trusted.sum(), seen.sum()), 1)
        rank = np.where(
            self.enough(share),
            np.arctanh(np.clip(rho, -0.999999, 0.999999)) * np.sqrt(share),
            -np.inf,
        )
        row, column = np.unravel_index(np.argmax(rank), rank.shape)
        lag = [
            place - size if place >= inner else place
            for place, size, inner in zip(
                (column, row), rank.shape[::-1], turned.shape[::-1], strict=True
            )
        ]
        # From corners to centres: pixel i of the fixed image meets pixel i + lag of the square.
        height, width = fixed.shape
        side = turned.shape[0]
        return rank[row, column], np.add(lag, ((width - side) / 2, (height - side) / 2))

    def enough(self, share):
        return share >= LEAST_SHARE

    def start(self, fixed, moving, angle, lag):
        """Return x -> R (x - c_f + lag) + c_m."""
        c, s = np.cos(angle), np.sin(angle)
        M = np.eye(3)
        M[:2, :2] = [[c, -s], [s, c]]
        centres = [np.array([(n - 1) / 2 for n in image.shape[::-1]]) for image in (fixed, moving)]
        M[:2, 2] = M[:2, :2] @ (lag - centres[0]) + centres[1]
        return M
