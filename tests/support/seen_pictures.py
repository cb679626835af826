"""What a browser shows of the report's page: pictures read back, and differences from colours."""

import base64

import numpy as np
from scipy.spatial import cKDTree

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"

DRAWN = {
    "bspline_random_2d": (0.3, -0.2, 0.8),
    "homography": (0.4, 0.3, 0.0),
    "lena_affine_2d-occlusion25": (0.213, 0.107, 0.0),
    "brain_mri_real": (0.5, -0.5, 1.5),
    "lena_affine_2d": (0.0, 0.0, 0.0),
}
"""Cases whose pictures are read back: a free-form deformation, a homography, a mask, two
acquisitions under a wavy answer (whose grid is finer), and a right answer."""


def picture(page, panel=0):
    """Wait for a panel's picture; return its pixels, one a pixel of the fixed image, and its data.

    Read back from the canvas that the user sees, at the middle of each image pixel.
    """
    canvas = page.locator("#panels canvas:not([aria-hidden])").nth(panel)
    canvas.and_(page.locator("[data-scale]")).wait_for()
    found = canvas.evaluate(
        """(canvas) => {
          const [scale, left, top, end] = ['scale', 'left', 'top', 'end'].map(
            (name) => Number(canvas.dataset[name]));
          const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
          const [columns, rows] = [canvas.width, canvas.height].map((side) => side / scale);
          let seen = '';
          for (let y = 0; y < rows; y += 1) {
            for (let x = 0; x < columns; x += 1) {
              const [cy, cx] = [y, x].map((place) => Math.floor((place + 0.5) * scale));
              const i = 4 * (cy * canvas.width + cx);
              seen += String.fromCharCode(data[i], data[i + 1], data[i + 2]);
            }
          }
          return { scale, left, top, end, shape: [rows, columns, 3], seen: btoa(seen) };
        }"""
    )
    assert (found["left"], found["top"]) == (0, 0)
    seen = np.frombuffer(base64.b64decode(found.pop("seen")), dtype=np.uint8)
    return seen.reshape(found["shape"]).astype(float), found


def colour_of(t):
    """The colour of a difference: purple under zero, white at it, green over it; not rounded."""
    half, end = ((158, 104, 190), (40, 0, 70)) if t < 0 else ((84, 168, 104), (0, 50, 24))
    return [
        np.interp(abs(t), (0, 0.25, 1), stops) for stops in zip((250,) * 3, half, end, strict=True)
    ]


LEVELS = np.linspace(-1, 1, 4001)
COLOURS = cKDTree([colour_of(t) for t in LEVELS])


def difference_in(colours, end):
    """Differences from their colours, which must be the map's but for rounding."""
    apart, nearest = COLOURS.query(colours)
    assert apart.max() <= 1.0
    return end * LEVELS[nearest]
