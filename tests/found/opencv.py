"""OpenCV's functions as their manual calls them."""

import cv2
import numpy as np

MOTIONS = {
    "translation": cv2.MOTION_TRANSLATION,
    "rigid": cv2.MOTION_EUCLIDEAN,
    "affine": cv2.MOTION_AFFINE,
}
STOP = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 300, 1e-8)


def bytes_of(mask, image):
    return np.full(image.shape, 255, np.uint8) if mask is None else 255 * mask.astype(np.uint8)


def ecc(fixed, moving, model):
    """findTransformECC with the blur that it takes where none is given, 5 px."""
    start = np.eye(2, 3, dtype=np.float32)
    return cv2.findTransformECC(fixed, moving, start, MOTIONS[model], STOP)[1]


def ecc_border_hidden(fixed, moving, model):
    """findTransformECC, not blurred, under a mask that hides the input's two outermost pixels."""
    start = np.eye(2, 3, dtype=np.float32)
    valid = np.zeros(moving.shape, np.uint8)
    valid[2:-2, 2:-2] = 255
    return cv2.findTransformECC(fixed, moving, start, MOTIONS[model], STOP, valid, 1)[1]


def ecc_not_blurred(fixed, moving, model):
    """findTransformECC as it is, not blurred and without a mask, to compare with."""
    start = np.eye(2, 3, dtype=np.float32)
    return cv2.findTransformECC(fixed, moving, start, MOTIONS[model], STOP, None, 1)[1]


def ecc_masks(fixed, moving, model, mask=None, moving_mask=None):
    """findTransformECCWithMask with both masks, not blurred."""
    start = np.eye(2, 3, dtype=np.float32)
    valid = bytes_of(mask, fixed), bytes_of(moving_mask, moving)
    return cv2.findTransformECCWithMask(fixed, moving, *valid, start, MOTIONS[model], STOP, 1)[1]


def multi_scale(fixed, moving, model, mask=None, moving_mask=None):
    """findTransformECCMultiScale with both masks, on grey values from 0 to 255."""
    return in_floats(255 * fixed, 255 * moving, model, mask, moving_mask)


def in_floats(fixed, moving, model, mask=None, moving_mask=None):
    """The same on grey values from 0 to 1."""
    how = cv2.ECCParameters()
    how.motionType = MOTIONS[model]
    how.criteria = STOP
    start = np.eye(2, 3, dtype=np.float32)
    valid = bytes_of(mask, fixed), bytes_of(moving_mask, moving)
    return cv2.findTransformECCMultiScale(fixed, moving, start, how, *valid)[1]


for solver in (ecc, ecc_border_hidden, ecc_not_blurred, ecc_masks, multi_scale, in_floats):
    solver.models = tuple(MOTIONS)


def phase_correlate(fixed, moving):
    """phaseCorrelate under a Hann window."""
    window = cv2.createHanningWindow(fixed.shape[::-1], cv2.CV_32F)
    (dx, dy), _ = cv2.phaseCorrelate(fixed, moving, window)
    return np.array([[1, 0, dx], [0, 1, dy]])


def phase_correlate_iterative(fixed, moving):
    """phaseCorrelateIterative of images under a Hann window."""
    window = cv2.createHanningWindow(fixed.shape[::-1], cv2.CV_32F)
    dx, dy = cv2.phaseCorrelateIterative(*(window * (i - i.mean()) for i in (fixed, moving)))
    return np.array([[1, 0, dx], [0, 1, dy]])


phase_correlate.models = phase_correlate_iterative.models = ("translation",)
