"""A user's own image pairs: how one is named, and what is registered of it.

    fixed.png,moving.png[,mask.png][,model][,same|varying]

The fields are those of a line of CSV: one with a comma stands in double quotes, and one may be
empty. There is no truth: what such a pair can show is agreement with SimpleITK.
"""

import csv
import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from irgate_battery.cases.image_file import ImageError, ImageName, Slice
from irgate_battery.cases.preparation import prepare
from irgate_battery.interface.declaration import MODELS
from irgate_fixtures import Pair, Transform

INTENSITIES = ("same", "varying")

DEFAULT_MODEL = "rigid"
"""Most pairs show one object that was moved. A user who expects a scale or a shear says so."""

DEFAULT_INTENSITY = "varying"
"""Two exposures or scans of one scene seldom agree in gain. Where they do, nothing is lost: the
oracle then follows the correlation instead of the mean squares."""

_FORM = "expected fixed,moving[,mask][,model][,same|varying]"


class PairError(ValueError):
    """A pair that cannot be registered; its text is one line that says which and why."""


@dataclass(frozen=True, eq=False)
class PreparedPair:
    """The images of a pair, ready to register; `irgate_battery.judge.measure.ImagePair`.

    Attributes:
        id: the pair's name.
        fixed, moving, mask, spacing_mm: as in `irgate_battery.cases.preparation.Prepared`.
        preparation: what was read and what was done to it, in one sentence.
        model: the family that the answer is wanted in.
        intensity: `"same"` or `"varying"`.

    """

    id: str
    fixed: NDArray[np.float64]
    moving: NDArray[np.float64]
    mask: NDArray[np.bool_] | None
    spacing_mm: float | None
    preparation: str
    model: str
    intensity: str

    @property
    def shape(self) -> tuple[int, int]:
        """`(H, W)` of the fixed image."""
        return self.fixed.shape[0], self.fixed.shape[1]

    @property
    def moving_mask(self) -> None:
        """None: a user's pair brings one mask, on its fixed image."""
        return None

    def pair(self) -> "PreparedPair":
        """Return itself: the images are there already, where a case must make them."""
        return self

    def beside(self, transform: Transform) -> Pair:
        """Return the pair with a transform in place of its truth, for a diagnosis."""
        return Pair(
            self.id, self.fixed, self.moving, self.mask, transform, self.model, self.intensity
        )

    def digest(self) -> str:
        """Return a sha256 over all that decides the oracle's answer, as 64 hexadecimal digits.

        The pixels count and not the files: a name, or a header that changes no pixel, is nothing.
        """
        text = json.dumps({"own pair": 1, "model": self.model, "intensity": self.intensity})
        sha = hashlib.sha256(text.encode("ascii"))
        for array in (self.fixed, self.moving, self.mask):
            if array is not None:
                sha.update(f"{array.dtype.str} {array.shape}".encode("ascii"))
                sha.update(np.ascontiguousarray(array).tobytes())
        return sha.hexdigest()


@dataclass(frozen=True)
class OwnPair:
    """A pair as it was named; its images are read only when asked for.

    Attributes:
        id: stable, ASCII: the fixed file's name without its ending, `brain-slice14`.
        fixed, moving, mask: where they are; absolute.
        model: of `irgate_battery.interface.declaration.MODELS`.
        intensity: `"same"` or `"varying"`.

    """

    id: str
    fixed: ImageName
    moving: ImageName
    mask: ImageName | None
    model: str
    intensity: str

    @classmethod
    def parse(cls, text: str, folder: Path) -> "OwnPair":
        """Read one pair.

        Words that are a model or an intensity are taken as such, wherever they stand after the
        two images (a mask of such a name is `./rigid`).

        Args:
            text: `fixed,moving[,mask][,model][,same|varying]`.
            folder: what relative paths count from.
        Raises: PairError.

        """
        try:
            lines = list(csv.reader([text], skipinitialspace=True, strict=True))
        except csv.Error as error:
            raise PairError(f"{text}: {_FORM}; its quotes do not close ({error})") from None
        fields = [field.strip() for line in lines for field in line]
        if len(fields) < 2 or not fields[0] or not fields[1]:
            raise PairError(f"{text}: {_FORM}; it names less than two images")
        rest = [field for field in fields[2:] if field]
        models = [field for field in rest if field in MODELS]
        intensities = [field for field in rest if field in INTENSITIES]
        masks = [field for field in rest if field not in (*MODELS, *INTENSITIES)]
        for what, given in (("mask", masks), ("model", models), ("intensity", intensities)):
            if len(given) > 1:
                raise PairError(f"{text}: {_FORM}; it names more than one {what}: {given}")
        fixed = ImageName.parse(fields[0], folder)
        return cls(
            id=fixed.stem,
            fixed=fixed,
            moving=ImageName.parse(fields[1], folder),
            mask=ImageName.parse(masks[0], folder) if masks else None,
            model=models[0] if models else DEFAULT_MODEL,
            intensity=intensities[0] if intensities else DEFAULT_INTENSITY,
        )

    def __str__(self) -> str:
        """Return what `parse` reads, with absolute paths."""
        fields = [str(self.fixed), str(self.moving), str(self.mask or ""), self.model]
        quoted = [f'"{field.replace(chr(34), chr(34) * 2)}"' for field in fields]
        return ",".join([*quoted, self.intensity])

    def read(self) -> PreparedPair:
        """Read the files and make the images ready.

        Raises: PairError.
        """
        try:
            fixed, moving = self._read("fixed", self.fixed), self._read("moving", self.moving)
            mask = None if self.mask is None else self._read("mask", self.mask)
            ready = prepare(fixed, moving, mask, self.intensity)
        except ImageError as error:
            raise PairError(f"{self.id}: {error}") from None
        return PreparedPair(
            id=self.id,
            fixed=ready.fixed,
            moving=ready.moving,
            mask=ready.mask,
            spacing_mm=ready.spacing_mm,
            preparation=ready.said,
            model=self.model,
            intensity=self.intensity,
        )

    def _read(self, role: str, name: ImageName) -> Slice:
        try:
            return name.read()
        except ImageError as error:
            known = f" (no model either: they are {', '.join(MODELS)})" if role == "mask" else ""
            missing = known if not os.path.exists(name.path) else ""
            raise ImageError(f"{role} image {error}{missing}") from None


def own_pairs(texts: Sequence[str], folder: Path) -> tuple[OwnPair, ...]:
    """Read pairs, and give each a name of its own: a second `brain` becomes `brain-2`.

    Raises: PairError.
    """
    by_id: dict[str, OwnPair] = {}
    for text in texts:
        pair = OwnPair.parse(text, folder)
        name, number = pair.id, 1
        while name in by_id:
            number += 1
            name = f"{pair.id}-{number}"
        by_id[name] = replace(pair, id=name)
    return tuple(by_id.values())
