"""Faults of sampling: where the moving image is looked up, what counts, and in what numbers."""

import numpy as np

from .fault import fault
from .good import Good


@fault(
    origin="torch.nn.functional.grid_sample's default changed with pytorch PR 23923",
    layers="each fixture, ratio, truth, contract",
    names="align_corners, half pixel, another objective",
    item="contract identity",
)
class HalfPixelSampling(Good):
    """The sampler takes +-1 for the outer edges where the grid means the outer pixel centres."""

    def sample(self, image, x, y):
        height, width = image.shape
        return super().sample(image, x * width / (width - 1) - 0.5, y * height / (height - 1) - 0.5)


@fault(
    origin="order=0 left in a resampler from its use on label images",
    layers="each fixture, ratio, truth, recovery",
    names="rounded, stops early, another objective",
    item="base synth_translate_2d",
)
class NearestNeighbour(Good):
    """The moving image is looked up at the nearest pixel; the slope is still the bilinear one."""

    def sample(self, image, x, y):
        _, gx, gy = super().sample(image, x, y)
        value, _, _ = super().sample(image, np.round(x), np.round(y))
        return value, gx, gy


@fault(
    origin="map_coordinates(mode='nearest') and no thought of what lies outside",
    layers="ratio, truth",
    names="another objective, wrong start, border repeated and counted",
    item="battery lena_affine_2d-overlap40",
)
class BorderRepeatedAndCounted(Good):
    """Beyond the moving image its border goes on, and counts as if it had been seen."""

    def valid(self, level, x, y):
        return level.trusted


@fault(
    origin="padding_mode='reflection'",
    layers="ratio, truth",
    names="another objective, wrong start, border mirrored and counted",
    item="battery lena_affine_2d-overlap40",
)
class BorderMirroredAndCounted(Good):
    """Beyond the moving image its mirror image counts as if it had been seen."""

    def valid(self, level, x, y):
        return level.trusted

    def sample(self, image, x, y):
        height, width = image.shape
        return super().sample(image, mirrored(x, width), mirrored(y, height))


def mirrored(x, size):
    folded = np.mod(x, 2 * (size - 1))
    return np.minimum(folded, 2 * (size - 1) - folded)


@fault(
    origin="padding_mode='zeros', the default, and a mean over the whole picture",
    layers="maximum gate, each fixture, ratio, truth",
    names="another objective, wrong start, zeros beyond the border counted",
    item="base lena_affine_2d",
)
class ZerosBeyondTheBorderCounted(Good):
    """Beyond the moving image there is black, and the black is compared."""

    def valid(self, level, x, y):
        return level.trusted

    def sample(self, image, x, y):
        height, width = image.shape
        seen = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
        value, gx, gy = super().sample(image, x, y)
        return value * seen, gx * seen, gy * seen


@fault(
    origin="np.roll and FFT shifts as resamplers",
    layers="ratio, truth",
    names="another objective, wrong start, border wrapped and counted",
    item="battery lena_affine_2d-overlap40",
)
class PeriodicBorderCounted(Good):
    """What leaves the moving image on one side comes in on the other, and counts."""

    def valid(self, level, x, y):
        return level.trusted

    def sample(self, image, x, y):
        height, width = image.shape
        return super().sample(image, np.mod(x, width - 1), np.mod(y, height - 1))


@fault(
    origin="dwave-examples/image-segmentation #10 and many: unsigned bytes wrap round",
    layers="ratio, truth",
    names="intensity assumption, noise, another objective, intensities quantised, units",
    item="battery brain_mri_real-noise10",
)
class TruncatedToBytes(Good):
    """Images are cut to unsigned bytes, and what lies outside [0, 1] wraps round."""

    def prepare(self, image):
        return (255 * np.asarray(image, float)).astype(np.int64).astype(np.uint8) / 255.0


@fault(
    origin="images made fit for display before they are registered",
    layers="",
    names="intensity assumption, noise, another objective, intensities clipped, units",
)
class Clipped(Good):
    """Intensities are clipped to [0, 1], and noise with them, on one side only."""

    def prepare(self, image):
        return np.clip(np.asarray(image, float), 0, 1)


@fault(
    origin="half precision for speed, in coordinates too, where 200 px leave an eighth of a pixel",
    layers="recovery",
    names="rounded, stops early, another objective",
)
class CoordinatesInHalfPrecision(Good):
    """Points are float16."""

    def sample(self, image, x, y):
        return super().sample(
            image, x.astype(np.float16).astype(float), y.astype(np.float16).astype(float)
        )


@fault(
    origin="half precision for memory",
    layers="",
    names="rounded, stops early",
)
class ImagesInHalfPrecision(Good):
    """Intensities are float16: rounding of a few 1e-4, well below what the images' noise does."""

    def prepare(self, image):
        return np.asarray(image).astype(np.float16).astype(float)


@fault(
    origin="np.gradient returns the derivative by rows first",
    layers="maximum gate, each fixture, ratio, truth, recovery",
    names="identity, stops early, wrong start, worsens its start",
    item="base lena_affine_2d",
)
class GradientAxesSwapped(Good):
    """The image's derivatives by x and y are swapped."""

    def sample(self, image, x, y):
        value, gx, gy = super().sample(image, x, y)
        return value, gy, gx


@fault(
    origin="r = f - m with the Jacobian of m - f",
    layers="maximum gate, each fixture, ratio, truth, recovery, contract",
    names="identity, stops early, wrong start, worsens its start",
    item="contract direction",
)
class GradientSign(Good):
    """The image's derivatives have the wrong sign: every step leads uphill and is rejected."""

    def sample(self, image, x, y):
        value, gx, gy = super().sample(image, x, y)
        return value, -gx, -gy
