"""The images of a page: each once, in steps as fine as there is room for."""

import hashlib
import json
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from irgate_battery.report.page.image_code import CodedImage, coded
from irgate_battery.report.page.markup import Markup, element

COARSE = 1 / 512
"""Largest step of an image, intensity: a difference of two that are each half of it off is half a
grey of a screen off."""

COARSEST = 1 / 256
"""The same where there is no room for that: less than a grey."""

FINE = 0.25
"""Part of a case's RMSE at the truth that a step is: what is left of a difference then is a tenth
of that RMSE off, and shows what is there and not its own rounding."""

FINEST = 2.0**-24
"""Smallest step: where a case has no RMSE at all there is nothing finer to be seen."""

FIELD_STEP_PX = 1e-3
"""Step of a displacement of all pixels."""

MOST_CHARACTERS = 7_500_000
"""Of all images: a page of 10 MB has room for its figures beside."""


TRIES = 3
"""Steps of an image: its own, the coarse one, the coarsest."""


@dataclass(frozen=True, eq=False)
class _Entry:
    array: NDArray[np.float64]
    steps: tuple[float, ...]


class Images:
    """Images by number; one that is there already keeps its number."""

    def __init__(self) -> None:
        self._entries: list[_Entry] = []
        self._numbers: dict[bytes, int] = {}

    def add(self, image: NDArray[np.float64], floor: float | None) -> int:
        """Take an image, or a mask; return its number.

        Args:
            image: `(H, W)`.
            floor: the RMSE beside which a difference of it is looked at, or `None`.
        """
        step = COARSE if floor is None else min(COARSE, FINE * floor)
        return self._add(image, (step, COARSE, COARSEST))

    def add_mask(self, mask: NDArray[np.bool_]) -> int:
        """Take a mask; return its number."""
        return self._add(mask.astype(np.float64), (1.0,) * TRIES)

    def add_field(self, component: NDArray[np.float64]) -> int:
        """Take one component of a displacement, px; return its number."""
        return self._add(component, (FIELD_STEP_PX,) * TRIES)

    def _add(self, image: NDArray[np.float64], steps: tuple[float, ...]) -> int:
        key = hashlib.sha256(repr((image.shape, steps[-1])).encode() + image.tobytes()).digest()
        number = self._numbers.setdefault(key, len(self._entries))
        if number == len(self._entries):
            self._entries.append(_Entry(image, steps))
        known = self._entries[number].steps
        finest = (max(min(pair), FINEST) for pair in zip(known, steps, strict=True))
        self._entries[number] = _Entry(image, tuple(finest))
        return number

    def markup(self, most: int = MOST_CHARACTERS) -> tuple[Markup, frozenset[int]]:
        """Return the elements that hold the images, and the numbers of those left out.

        Args:
            most: characters.
        """
        codes, left_out = self._coded(most)
        return Markup("\n".join(_element(number, codes[number]) for number in codes)), left_out

    def script(self, most: int = MOST_CHARACTERS) -> tuple[str, frozenset[int]]:
        """Return a script that holds the images for several pages, and the numbers left out.

        A page that is opened from disk may not read another file, but it may load a script.

        Args:
            most: characters.
        """
        codes, left_out = self._coded(most)
        told = json.dumps({number: asdict(code) for number, code in codes.items()}, indent=0)
        return f"globalThis.irgateImages = {told};\n", left_out

    def _coded(self, most: int) -> tuple[dict[int, CodedImage], frozenset[int]]:
        """Return the images as text by number, and the numbers of those left out.

        Where they are too many for their own steps they are coded in coarser ones; where they are
        too many for the coarsest, the last ones are left out.
        """
        codes: list[CodedImage] = []
        for step in range(TRIES):
            codes = [
                codes[number]
                if step and entry.steps[step] == entry.steps[step - 1]
                else coded(entry.array, entry.steps[step])
                for number, entry in enumerate(self._entries)
            ]
            if sum(len(code.text) for code in codes) <= most:
                break
        kept, left_out, used = {}, set(), 0
        for number, code in enumerate(codes):
            if used + len(code.text) > most:
                left_out.add(number)
                continue
            used += len(code.text)
            kept[number] = code
        return kept, frozenset(left_out)


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
