"""The images of a page: each once, in steps as fine as there is room for."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from irgate_battery.report.page.image_code import CodedImage, coded
from irgate_battery.report.page.markup import Markup, element

COARSEST = 1 / 256
"""Largest step of an image, intensity. Two images that are each half of it off are a difference
that is 1/256 off: less than one of the 255 greys of a screen."""

FINE = 0.25
"""Part of a case's RMSE at the truth that a step is: what is left of a difference then is a tenth
of that RMSE off, and shows what is there and not its own rounding."""

FINEST = 2.0**-24
"""Smallest step: where a case has no RMSE at all there is nothing finer to be seen."""

FIELD_STEP_PX = 1e-3
"""Step of a displacement of all pixels."""

MOST_CHARACTERS = 7_500_000
"""Of all images: a page of 10 MB has room for its figures beside."""


@dataclass
class _Entry:
    array: NDArray[np.float64]
    step: float
    coarsest: float
    code: CodedImage | None = None


@dataclass
class Images:
    """Images by number; one that is there already keeps its number."""

    _entries: list[_Entry] = field(default_factory=list)
    _numbers: dict[bytes, int] = field(default_factory=dict)

    def add(self, image: NDArray[np.float64], floor: float | None) -> int:
        """Take an image, or a mask; return its number.

        Args:
            image: `(H, W)`.
            floor: the RMSE beside which a difference of it is looked at, or `None`.
        """
        step = min(COARSEST, COARSEST if floor is None else FINE * floor)
        return self._add(image, step, COARSEST)

    def add_mask(self, mask: NDArray[np.bool_]) -> int:
        """Take a mask; return its number."""
        return self._add(mask.astype(np.float64), 1.0, 1.0)

    def add_field(self, component: NDArray[np.float64]) -> int:
        """Take one component of a displacement, px; return its number."""
        return self._add(component, FIELD_STEP_PX, FIELD_STEP_PX)

    def _add(self, image: NDArray[np.float64], step: float, coarsest: float) -> int:
        key = hashlib.sha256(repr((image.shape, coarsest)).encode() + image.tobytes()).digest()
        number = self._numbers.setdefault(key, len(self._entries))
        if number == len(self._entries):
            self._entries.append(_Entry(image, step, coarsest))
        entry = self._entries[number]
        entry.step = min(entry.step, max(step, FINEST))
        return number

    def markup(self, most: int = MOST_CHARACTERS) -> tuple[Markup, frozenset[int]]:
        """Return the elements that hold the images, and the numbers of those left out.

        Where they are too many for their own steps they are coded in coarse ones; where they are
        too many for those, the last ones are left out.

        Args:
            most: characters.
        """
        steps: Sequence[Callable[[_Entry], float]] = (
            lambda entry: entry.step,
            lambda entry: entry.coarsest,
        )
        for step in steps:
            for entry in self._entries:
                if entry.code is None or entry.step != entry.coarsest:
                    entry.code = coded(entry.array, step(entry))
            if sum(len(entry.code.text) for entry in self._entries if entry.code) <= most:
                break
        parts, left_out, used = [], set(), 0
        for number, entry in enumerate(self._entries):
            if entry.code is None or used + len(entry.code.text) > most:
                left_out.add(number)
                continue
            used += len(entry.code.text)
            parts.append(_element(number, entry.code))
        return Markup("\n".join(parts)), frozenset(left_out)


def _element(number: int, code: CodedImage) -> Markup:
    return element(
        "script",
        Markup(code.text),
        type="text/plain",
        id=f"image-{number}",
        data_width=code.width,
        data_height=code.height,
        data_offset=repr(code.offset),
        data_step=repr(code.step),
        data_predictor=code.predictor,
    )
