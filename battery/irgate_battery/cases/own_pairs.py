"""A user's own image pairs: how one is named, and what is registered of it.

    fixed.png,moving.png[,mask.png][,model][,same|varying]
    fixed.png,moving.png,[mask.png],[model],[same|varying],truth.txt

The fields are those of a line of CSV: one with a comma stands in double quotes, and one may be
empty. Without a truth such a pair can show agreement with SimpleITK. A sixth field names one
(`irgate_battery.cases.truth`), and then the pair is held against that.
"""

import csv
import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from irgate_battery.cases.image_file import ImageError, ImageName, Slice
from irgate_battery.cases.preparation import Prepared, prepare
from irgate_battery.cases.truth import GivenTruth, Landmarks, PixelScale, TruthError
from irgate_battery.interface.declaration import MODELS
from irgate_fixtures import Pair, Transform

INTENSITIES = ("same", "varying")

DEFAULT_MODEL = "rigid"
"""Most pairs show one object that was moved. A user who expects a scale or a shear says so."""

DEFAULT_INTENSITY = "varying"
"""Two exposures or scans of one scene seldom agree in gain. Where they do, nothing is lost: the
oracle then follows the correlation instead of the mean squares."""

_FORM = "expected fixed,moving[,mask][,model][,same|varying][,truth as the sixth field]"

TRUTH_FIELD = 5
"""Where a truth stands, counted from 0."""


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
        moving_mask: on the moving image, or `None`.
        truth: in px of these images: a transform, landmarks, or `None`.

    """

    id: str
    fixed: NDArray[np.float64]
    moving: NDArray[np.float64]
    mask: NDArray[np.bool_] | None
    spacing_mm: float | None
    preparation: str
    model: str
    intensity: str
    moving_mask: NDArray[np.bool_] | None = None
    truth: Transform | Landmarks | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """`(H, W)` of the fixed image."""
        return self.fixed.shape[0], self.fixed.shape[1]

    def pair(self) -> "PreparedPair":
        """Return itself: the images are there already, where a case must make them."""
        return self

    def beside(self, transform: Transform) -> Pair:
        """Return the pair with this transform for its truth."""
        return Pair(
            self.id,
            self.fixed,
            self.moving,
            self.mask,
            transform,
            self.model,
            self.intensity,
            self.moving_mask,
        )

    def with_truth(self, truth: Transform | Landmarks) -> "PreparedPair":
        """Return the same images with this truth."""
        return replace(self, truth=truth)

    def with_its_truth(self) -> "Pair | PreparedPair":
        """Return the pair with its true transform; itself where that is landmarks, or none."""
        if self.truth is None or isinstance(self.truth, Landmarks):
            return self
        return self.beside(self.truth)

    def digest(self) -> str:
        """Return a sha256 over all that decides the oracle's answer, as 64 hexadecimal digits.

        The pixels count and not the files: a name, or a header that changes no pixel, is nothing.
        """
        text = json.dumps({"own pair": 1, "model": self.model, "intensity": self.intensity})
        sha = hashlib.sha256(text.encode("ascii"))
        for array in (self.fixed, self.moving, self.mask, self.moving_mask):
            if array is not None:
                sha.update(f"{array.dtype.str} {array.shape}".encode("ascii"))
                sha.update(np.ascontiguousarray(array).tobytes())
        return sha.hexdigest()


def _refuse_a_torn_path(text: str, fields: list[str], folder: Path) -> None:
    """Raise PairError, where two neighbouring fields are one file whose name has a comma."""
    for first, second in pairwise(fields):
        whole = f"{first},{second}"
        # Unlike Path.exists, this takes a name that is too long for any file.
        there = os.path.exists(ImageName.parse(whole, folder).path)
        if there and not os.path.exists(ImageName.parse(first, folder).path):
            raise PairError(
                f"{text}: {whole} is one file; expected a path with a comma in double quotes: "
                f'"{whole}"'
            )


@dataclass(frozen=True)
class OwnPair:
    """A pair as it was named; its images are read only when asked for.

    Attributes:
        id: stable, ASCII: the fixed file's name without its ending, `brain-slice14`.
        fixed, moving, mask: where they are; absolute.
        model: of `irgate_battery.interface.declaration.MODELS`.
        intensity: `"same"` or `"varying"`.
        moving_mask: where it is, or `None`.
        truth: as it was given, or `None`.
        tolerance_px: largest mean distance to the truth that passes; `None` for the gate's own.

    """

    id: str
    fixed: ImageName
    moving: ImageName
    mask: ImageName | None
    model: str
    intensity: str
    moving_mask: ImageName | None = None
    truth: GivenTruth | None = None
    tolerance_px: float | None = None

    @classmethod
    def parse(cls, text: str, folder: Path) -> "OwnPair":
        """Read one pair.

        Words that are a model or an intensity are taken as such, wherever they stand after the
        two images (a mask of such a name is `./rigid`). What stands sixth is the truth.

        Args:
            text: `fixed,moving[,mask][,model][,same|varying][,truth]`.
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
        _refuse_a_torn_path(text, fields, folder)
        truths = [field for field in fields[TRUTH_FIELD:] if field]
        if len(truths) > 1:
            raise PairError(f"{text}: {_FORM}; it names more than one truth: {truths}")
        rest = [field for field in fields[2:TRUTH_FIELD] if field]
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
            truth=GivenTruth(_absolute(truths[0], folder)) if truths else None,
        )

    def __str__(self) -> str:
        """Return what `parse` reads, with absolute paths."""
        fields = [str(self.fixed), str(self.moving), str(self.mask or ""), self.model]
        truth = [] if self.truth is None else [str(self.truth.transform)]
        quoted, told = (
            [f'"{field.replace(chr(34), chr(34) * 2)}"' for field in each]
            for each in (fields, truth)
        )
        return ",".join([*quoted, self.intensity, *told])

    def read(self) -> PreparedPair:
        """Read the files and make the images ready.

        Raises: PairError.
        """
        try:
            fixed, moving = self._read("fixed", self.fixed), self._read("moving", self.moving)
            masks = [
                None if name is None else self._read(role, name)
                for role, name in (("mask", self.mask), ("moving mask", self.moving_mask))
            ]
            ready = prepare(fixed, moving, masks[0], self.intensity, masks[1])
            truth = None if self.truth is None else _read_truth(self.truth, fixed, moving, ready)
        except ImageError as error:
            raise PairError(f"{self.id}: {error}") from None
        except TruthError as error:
            raise PairError(f"{self.id}: truth: {error}") from None
        return PreparedPair(
            id=self.id,
            fixed=ready.fixed,
            moving=ready.moving,
            mask=ready.mask,
            spacing_mm=ready.spacing_mm,
            preparation=ready.said,
            model=self.model,
            intensity=self.intensity,
            moving_mask=ready.moving_mask,
            truth=truth,
        )

    def _read(self, role: str, name: ImageName) -> Slice:
        try:
            return name.read()
        except ImageError as error:
            known = f" (no model either: they are {', '.join(MODELS)})" if role == "mask" else ""
            missing = known if not os.path.exists(name.path) else ""
            raise ImageError(f"{role} image {error}{missing}") from None


def _absolute(text: str, folder: Path) -> Path:
    return Path(os.path.abspath(folder / os.path.expanduser(text)))


def _read_truth(
    given: GivenTruth, fixed: Slice, moving: Slice, ready: Prepared
) -> Transform | Landmarks:
    """Return a truth in px of the prepared images. Raises: TruthError."""
    scale = PixelScale(unit=given.unit)
    side = ready.spacing_mm
    if given.unit == "mm":
        if side is None:
            raise TruthError(
                "it is in mm, and the images have no spacing; expected px, or images in a format "
                "that holds one (NIfTI, MHA)"
            )
        scale = PixelScale((1 / side, 1 / side), (1 / side, 1 / side), "mm")
    elif side is not None and fixed.spacing is not None and moving.spacing is not None:
        scale = PixelScale(_over(fixed.spacing, side), _over(moving.spacing, side))
    return given.read(ready.fixed.shape, ready.moving.shape, scale)


def _over(spacing: tuple[float, float], side: float) -> tuple[float, float]:
    return spacing[0] / side, spacing[1] / side


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
