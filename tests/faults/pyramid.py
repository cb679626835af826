"""Faults of the pyramid and of the search on it."""

import numpy as np
from scipy.ndimage import gaussian_filter

from .fault import fault
from .good import Good
from .search import Search
from .warps import FreeForm


@fault(
    origin="image[::2, ::2] as a way to make an image smaller",
    item="battery brain_mri_real-overlap40",
    layers="truth",
    names="wrong start",
)
class DecimatedWithoutBlur(Good):
    """Levels are made by dropping pixels alone; the full images, where it ends, are untouched."""

    def smooth(self, image, trusted):
        return image


@fault(
    origin="the last level left out for speed, in a solver that does not smooth its levels",
    layers="truth",
    names="another objective, stops early",
    item="battery brain_mri_real-rot75",
)
class AliasedHalfSize(Good):
    """Works on every second pixel, not blurred, and says it is done."""

    def smooth(self, image, trusted):
        return image

    def polished(self, level, family, metric, p):
        return p

    def descend(self, level, family, metric, p, held=None, tolerance_px=None):
        if level.grid.scale == 1:
            return p
        return super().descend(level, family, metric, p, held, 1e-6)


@fault(
    origin="ericPrince/optical-flow #3: a coarse displacement used as it is on the finer level",
    layers="ratio, truth",
    names="wrong start, level scale, worsens its start",
    item="battery lena_affine_2d-overlap40",
)
class NotRescaledBetweenLevels(Good):
    """Shifts are carried to the finer level as if its pixels were as large."""

    def rescale(self, family, p):
        return p


@fault(
    origin="whole matrices multiplied by two where only their last column should be",
    layers="maximum gate, each fixture, ratio, truth",
    names="worsens its start, wrong start",
    item="base synth_rotate_2d",
)
class LinearPartRescaledToo(Good):
    """From level to level not the shift alone but the whole change from the identity doubles."""

    def rescale(self, family, p):
        if isinstance(family, FreeForm):
            return super().rescale(family, p)
        return np.eye(3) + 2 * (p - np.eye(3))


@fault(
    origin="box averages, whose pixel i stands at 2 i + 1/2, taken to stand at 2 i",
    layers="consistency",
    names="half pixel, inconsistent: flipped_under_noise",
    item="consistency flipped_under_noise",
)
class HalfPixelBetweenLevels(Good):
    """Each level is half a pixel off the finer one: a worse start, mended on the full images."""

    def decimate(self, image):
        height, width = (size // 2 * 2 for size in image.shape)
        if image.dtype == bool:
            return image[:height:2, :width:2]
        return image[:height, :width].reshape(height // 2, 2, width // 2, 2).mean((1, 3))


@fault(
    origin="range(levels, 0, -1), which leaves out level 0",
    layers="truth, recovery",
    names="another objective, stops early",
    item="battery brain_mri_real-bias30",
)
class FinestLevelLeftOut(Good):
    """Ends on half the resolution, blurred."""

    def polished(self, level, family, metric, p):
        return p

    def descend(self, level, family, metric, p, held=None, tolerance_px=None):
        if level.grid.scale == 1:
            return p
        return super().descend(level, family, metric, p, held, tolerance_px)


@fault(
    origin="sigmas meant in pixels of each level and given in those of the full image",
    layers="each fixture, ratio, truth",
    names="another objective",
    item="base brain_mri_real",
)
class BlurredToTheEnd(Good):
    """The full images are smoothed too, far more than noise asks for, and the border with them."""

    def prepare(self, image):
        return gaussian_filter(np.asarray(image, float), 8.0)


@fault(
    origin="descents from the identity, of which OpenCV's findTransformECC is one",
    layers="ratio, truth",
    names="wrong start",
    item="battery synth_rotate_2d-rot75",
)
class NoSearch(Good):
    """Starts at the identity and nowhere else."""

    def convincing(self, level, family, p):
        return True


class _NoLeastOverlap(Search):
    def enough(self, share):
        return share >= 0.002

    def best_lag(self, fixed, trusted, turned, seen):
        rho, count = self.correlations(fixed, trusted, turned, seen)
        rho = np.where(count >= 3, rho, -1.0)
        row, column = np.unravel_index(np.argmax(rho), rho.shape)
        lag = [
            place - size if place >= inner else place
            for place, size, inner in zip(
                (column, row), rho.shape[::-1], turned.shape[::-1], strict=True
            )
        ]
        height, width = fixed.shape
        side = turned.shape[0]
        return rho[row, column], np.add(lag, ((width - side) / 2, (height - side) / 2))


@fault(
    origin="scikit-image #5459: an overlap_ratio that was accepted and not used",
    layers="ratio, truth",
    names="wrong start, flees the overlap",
    item="battery lena_affine_2d-rot75",
)
class OverlapFlightRewarded(Good):
    """A few pixels that correlate perfectly win over a whole image that correlates well."""

    searching = _NoLeastOverlap()


class _Wrapped(Search):
    def padded(self, fixed, turned):
        return [max(a, b) for a, b in zip(fixed, turned, strict=True)]


@fault(
    origin="scikit-image #5460: circular correlation, with no room for the shift",
    layers="truth",
    names="wrong start, periodic wrap",
    item="battery brain_mri_real-overlap40",
)
class PeriodicSearch(Good):
    """The search correlates without padding: lags wrap round."""

    searching = _Wrapped()

    def convincing(self, level, family, p):
        return False


class _HalfTurn(Search):
    def angles(self, turning):
        return np.pi + super().angles(turning)[:12] if turning else super().angles(turning)


@fault(
    origin="Fourier-Mellin: angles are found up to 180 degrees, and the check of both is left out",
    layers="ratio, truth",
    names="wrong start, turned by 180 degrees",
    item="battery synth_translate_2d-rot45",
)
class HalfTurnNotTried(Good):
    """The search covers half the circle, the wrong half."""

    searching = _HalfTurn()
