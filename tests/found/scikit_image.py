"""scikit-image's functions as their manual calls them."""

import numpy as np
from skimage.registration import optical_flow_ilk, phase_cross_correlation


def phase(fixed, moving):
    """phase_cross_correlation to a hundredth of a pixel, with the normalisation of its default."""
    down, right = phase_cross_correlation(fixed, moving, upsample_factor=100)[0]
    return np.array([[1, 0, -right], [0, 1, -down]])


phase.models = ("translation",)


def lucas_kanade(fixed, moving):
    """optical_flow_ilk."""
    down, right = optical_flow_ilk(fixed, moving)
    return np.stack([right, down], axis=-1)


lucas_kanade.models = ("ffd",)
