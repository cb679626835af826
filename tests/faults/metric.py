"""Faults of the metric: what is compared, over which pixels, with which weights."""

import numpy as np

from pytest_irgate.adapters import bundled

from .fault import fault
from .good import Good
from .objective import Correlation, SquaredDifferences


class _MeanFree(SquaredDifferences):
    """Differences of the images less their means, and no more."""

    def residual(self, f, m, v):
        n = self.count(v)
        return (m - np.sum(m * v) / n - f + np.sum(f * v) / n) * v


@fault(
    origin="cross-correlation without its denominator",
    layers="",
    names="intensity assumption, another objective, brightness",
)
class CorrelationNotNormalised(Good):
    """Where contrast may differ the means are taken off, but nothing is divided by the contrast."""

    def metric(self, intensity):
        return SquaredDifferences() if intensity == "same" else _MeanFree()


class _Product(Correlation):
    """E = -mean(f m), divided by nothing: the brighter the better."""

    def value(self, f, m, v):
        return -np.sum(f * m * v) / max(np.count_nonzero(v), 1)

    def system(self, f, m, v, J):
        n = max(np.count_nonzero(v), 1)
        return J.gram() / n, -J.project(f * v) / n


@fault(
    origin="'correlation' as the sum of products",
    layers="truth",
    names="intensity assumption, another objective, wrong start, brightness",
    item="battery brain_mri_real-overlap40",
)
class SumOfProducts(Good):
    """The mean product of raw intensities is maximised: brightness attracts."""

    def metric(self, intensity):
        return SquaredDifferences() if intensity == "same" else _Product()


@fault(
    origin="CaPTk and many scripts: an argument that is read and not passed on",
    layers="ratio, truth",
    names="mask ignored",
    item="battery lena_affine_2d-occlusion25",
)
class MaskIgnored(Good):
    """The mask is taken and forgotten."""

    def trust(self, mask):
        return np.ones_like(mask)


@fault(
    origin="ANTsPy #723: is True what counts, or what is left out?",
    layers="ratio, truth",
    names="mask ignored, mask inverted, another objective, wrong start",
    item="battery lena_affine_2d-occlusion25",
)
class MaskInverted(Good):
    """True means do not look; a mask that is True everywhere is taken for none."""

    def trust(self, mask):
        return np.ones_like(mask) if mask.all() else ~mask


class _OverAll(SquaredDifferences):
    def count(self, v):
        return v.size


@fault(
    origin="ICON PR 96: the masked mean was divided by the number of all voxels",
    layers="ratio, truth",
    names="flees the overlap, wrong start, another objective",
    item="battery bspline_random_2d-noise10",
)
class MeanOverAllPixels(Good):
    """The sum over the valid pixels is divided by the number of all: leaving makes it smaller."""

    def metric(self, intensity):
        self.same = intensity == "same"
        return _OverAll() if self.same else Correlation()

    def worth(self, level, family, p):
        if not self.same:
            return super().worth(level, family, p)
        return -self.look(level, family, _OverAll(), p).value


@fault(
    origin="SSD as the default for everything",
    layers="contract",
    names="brightness, intensity assumption",
    item="contract brightness",
)
class IntensityVaryingIgnored(Good):
    """Squared differences under gain and bias."""

    def metric(self, intensity):
        return SquaredDifferences()


@fault(
    origin="min-max normalisation of each image by itself",
    layers="consistency",
    names="intensity assumption, noise, another objective, inconsistent: cropped, "
    "each image stretched by itself",
    item="consistency cropped",
)
class EachImageStretched(Good):
    """Each image is stretched between its own extremes, then squared differences are taken."""

    def prepare(self, image):
        image = np.asarray(image, float)
        return (image - image.min()) / max(np.ptp(image), 1e-12)

    def metric(self, intensity):
        return SquaredDifferences()


@fault(
    origin="a display's gamma, left on one of two files",
    layers="each fixture, contract",
    names="intensity assumption, another objective, identity",
    item="contract identity",
)
def gamma_on_one_image(fixed, moving, model, mask, init, intensity):
    """The moving image is raised to the power 1.02."""
    return bundled.register(fixed, moving.clip(0) ** 1.02, model, mask, init, intensity)


class _Shrinking(SquaredDifferences):
    """Huber's metric in units of a scale that is made anew from every trial's own residuals."""

    def scale(self, f, m, v):
        residual = np.abs((m - f)[v])
        return max(1.345 * 1.4826 * np.median(residual), 1e-9) if residual.size else 1e-9

    def value(self, f, m, v):
        s = self.scale(f, m, v)
        r = np.abs(m - f)[v] / s
        return np.sum(np.where(r <= 1, r**2 / 2, r - 0.5)) / self.count(v)

    def residual(self, f, m, v):
        s = self.scale(f, m, v)
        return np.clip((m - f) / s, -1, 1) * v * s


@fault(
    origin="robust fitting with the scale estimated inside the objective",
    layers="maximum gate, each fixture, ratio, truth",
    names="another objective, wrong start, flees the overlap",
    item="base lena_affine_2d",
)
class HuberScaleFromTheTrial(Good):
    """Residuals are divided by their own median: no fit can look better than any other."""

    def metric(self, intensity):
        return _Shrinking() if intensity == "same" else Correlation()


@fault(
    origin="smoothing the images and masking afterwards",
    layers="",
    names="mask ignored",
)
class MaskLeaksThroughTheBlur(Good):
    """Coarse levels are blurred across the mask: a worse start, mended on the full images."""

    def smooth(self, image, trusted):
        return super().smooth(image, np.ones_like(trusted))
