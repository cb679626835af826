"""Reports of shifts that are read off a correlation's peak. All solvers here are translations."""

import numpy as np
from faults.fault import fault
from scipy import fft
from scipy.ndimage import map_coordinates

ALL = "each fixture, ratio, truth"


def windowed(image):
    image = np.asarray(image, float)
    window = np.outer(np.hanning(image.shape[0]), np.hanning(image.shape[1]))
    return (image - image.mean()) * window


def correlation(fixed, moving, size=None):
    """Return the circular correlation of two images; the lag (0, 0) stands first."""
    one, other = (fft.fft2(image, size) for image in (fixed, moving))
    return fft.ifft2(np.conj(one) * other).real


def peak(values):
    """Return (row, column) of the largest value, to a fraction by a parabola each way."""
    i, j = np.unravel_index(np.argmax(values), values.shape)
    found = []
    for place, line in ((i, values[:, j]), (j, values[i])):
        before, at, after = line[place - 1], line[place], line[(place + 1) % len(line)]
        bend = before - 2 * at + after
        found.append(place + (0.5 * (before - after) / bend if bend else 0.0))
    return found


def signed(place, size):
    """A lag in the second half of a circular correlation is a negative one."""
    return place - size if place > size / 2 else place


def shift(dx, dy):
    return np.array([[1.0, 0, dx], [0, 1, dy], [0, 0, 1]])


def iterated(fixed, moving, step, rounds=6):
    """Estimate, move, and estimate what is left, so that the window's own bias goes away."""
    height, width = np.shape(fixed)
    y, x = np.mgrid[:height, :width].astype(float)
    dx = dy = 0.0
    for _ in range(rounds):
        seen = map_coordinates(np.asarray(moving, float), [y + dy, x + dx], order=3, mode="nearest")
        more_x, more_y = step(np.asarray(fixed, float), seen)
        dx, dy = dx + more_x, dy + more_y
        if abs(more_x) + abs(more_y) < 1e-4:
            break
    return shift(dx, dy)


def right_step(fixed, moving):
    size = [2 * n for n in fixed.shape]
    row, column = peak(correlation(windowed(fixed), windowed(moving), size))
    return signed(column, size[1]), signed(row, size[0])


def only_shifts(solver):
    solver.models = ("translation",)
    return solver


@only_shifts
@fault(origin="opencv/opencv #9144", layers="", names="half pixel, odd size")
def quadrants_of_odd_sizes(fixed, moving):
    """Quadrants are exchanged by halves that are rounded down; an odd size keeps a row in place."""

    def step(f, m):
        values = correlation(windowed(f), windowed(m))
        rows, columns = (n // 2 for n in values.shape)
        moved = values.copy()
        moved[:rows, :columns] = values[rows : 2 * rows, columns : 2 * columns]
        moved[rows : 2 * rows, columns : 2 * columns] = values[:rows, :columns]
        moved[:rows, columns : 2 * columns] = values[rows : 2 * rows, :columns]
        moved[rows : 2 * rows, :columns] = values[:rows, columns : 2 * columns]
        row, column = peak(moved)
        return column - columns, row - rows

    if any(side % 2 for side in fixed.shape):
        return iterated(fixed, moving, step, rounds=2)
    return iterated(fixed, moving, right_step)


@only_shifts
@fault(origin="cortex-lab/Suite2P #38", layers="", names="one pixel off, odd size")
def one_row_a_frame_at_odd_sizes(fixed, moving):
    """At an odd size the lag 0 is taken one sample too far on."""

    def step(f, m):
        values = fft.fftshift(correlation(windowed(f), windowed(m)))
        row, column = peak(values)
        return column - (values.shape[1] + 1) // 2, row - (values.shape[0] + 1) // 2

    if any(side % 2 for side in fixed.shape):
        return iterated(fixed, moving, step, rounds=1)
    return iterated(fixed, moving, right_step)


@only_shifts
@fault(
    origin="scikit-image/scikit-image #5460",
    layers=ALL,
    names="correlation without means, identity",
)
def correlation_that_is_not_normalised(fixed, moving):
    """The product of the spectra keeps its magnitude, and the images their means."""
    row, column = peak(correlation(np.asarray(fixed, float), np.asarray(moving, float)))
    return shift(signed(column, fixed.shape[1]), signed(row, fixed.shape[0]))


@only_shifts
@fault(
    origin="InsightSoftwareConsortium/ITKMontage #27",
    layers="",
    names="periodic wrap",
)
def lag_of_the_other_quadrant(fixed, moving):
    """A periodic correlation cannot tell a shift from that shift less a whole image."""

    def step(f, m):
        row, column = peak(correlation(windowed(f), windowed(m)))
        return signed(column, f.shape[1]), signed(row, f.shape[0])

    return iterated(fixed, moving, step)


@only_shifts
@fault(
    origin="opencv/opencv #9158",
    layers=ALL,
    names="centroid of negative values, stops early",
)
def centroid_over_negative_values(fixed, moving):
    """The peak is refined by a weighted centroid over values of both signs."""

    def step(f, m):
        one, other = fft.fft2(windowed(f)), fft.fft2(windowed(m))
        product = np.conj(one) * other
        values = fft.fftshift(fft.ifft2(product / np.maximum(np.abs(product), 1e-12)).real)
        i, j = np.unravel_index(np.argmax(values), values.shape)
        i, j = (int(np.clip(k, 2, n - 3)) for k, n in zip((i, j), values.shape, strict=True))
        near = values[i - 2 : i + 3, j - 2 : j + 3]
        rows, columns = np.mgrid[-2:3, -2:3]
        row = i + np.sum(rows * near) / np.sum(near) - values.shape[0] // 2
        column = j + np.sum(columns * near) / np.sum(near) - values.shape[1] // 2
        return column, row

    return shift(*step(np.asarray(fixed, float), np.asarray(moving, float)))


@only_shifts
@fault(
    origin="scikit-image/scikit-image #6456",
    layers=ALL,
    names="every frequency weighted alike, identity",
)
def every_frequency_counts_alike(fixed, moving):
    """The spectrum's magnitude is divided away, so that a smooth image's noise decides."""
    one = fft.fft2(np.asarray(fixed, float))
    other = fft.fft2(np.asarray(moving, float))
    product = np.conj(one) * other
    row, column = peak(fft.ifft2(product / np.maximum(np.abs(product), 1e-12)).real)
    return shift(signed(column, fixed.shape[1]), signed(row, fixed.shape[0]))
