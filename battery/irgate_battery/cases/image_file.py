"""Image files of a user's own: which slice of which file is meant, and its grey values.

SimpleITK reads them and is imported only then: pictures (PNG, JPEG, TIFF, BMP), MHA/MHD, NRRD,
NIfTI, DICOM files, and folders that hold one DICOM series; numpy reads its own .npy. A slice of a
volume is named `brain.nii.gz#14` (third axis), `brain.nii.gz#x60` or `brain.nii.gz#y60`, counted
from 0.
"""

import os
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irgate_battery.interface.outside_text import said_by
from irgate_battery.interface.quiet_simpleitk import one_quiet_thread, simpleitk

NUMPY = "NumPy"
"""The format of a .npy file."""

PICTURES = ("PNGImageIO", "JPEGImageIO", "BMPImageIO", "TIFFImageIO")
"""Formats whose resolution, where there is one, is that of print or of a screen: two photographs
of one scene at 72 and at 96 dpi do not differ in size."""

DICOM_SPACING = ("0028|0030", "0018|1164", "0018|2010", "0018|7022")
"""The tags that hold a pixel's size: Pixel Spacing, and those of projections and scanned films.
Without one of them SimpleITK says 1."""

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue (ITU-R BT.601: for values as files hold them, gamma and all)."""

LEAST_SIDE = 16
"""px. The oracle starts on images of a quarter of the size, and a few pixels hold no structure."""


class ImageError(ValueError):
    """An image that cannot be registered; the message is a clause that says which and why."""


@dataclass(frozen=True, eq=False)
class Slice:
    """One 2-D image as a file holds it.

    Attributes:
        values: `(H, W)` float64, finite; the file's own units.
        spacing: `(x, y)` in mm, or `None` where the format knows none.
        axes: the directions of x and y in the scanner's space, one a row; `None` without spacing.
        kind: the pixels' type, `"uint8, RGB to luma"`.

    """

    values: NDArray[np.float64]
    spacing: tuple[float, float] | None
    axes: NDArray[np.float64] | None
    kind: str


@dataclass(frozen=True)
class ImageName:
    """What a user named: a path, and perhaps a slice of what lies there.

    Attributes:
        path: absolute.
        axis: 0, 1, 2 for x, y, z, across which the slice lies; `None` where none was named.
        index: its number from 0, or `None`.

    """

    path: Path
    axis: int | None = None
    index: int | None = None

    @classmethod
    def parse(cls, text: str, folder: Path) -> "ImageName":
        """Read a name; a relative path counts from this folder, `~` is the user's home.

        A `#14` at the end is a slice unless a file of just that name exists.
        """
        whole = Path(os.path.abspath(folder / os.path.expanduser(text)))
        with_slice = re.fullmatch(r"(.+)#([xyz]?)(\d+)", str(whole))
        if with_slice is None or os.path.exists(whole):
            return cls(whole)
        return cls(Path(with_slice[1]), "xyz".index(with_slice[2] or "z"), int(with_slice[3]))

    def __str__(self) -> str:
        return f"{self.path}{self._slice()}"

    def _slice(self) -> str:
        return "" if self.axis is None else f"#{'xyz'[self.axis]}{self.index}".replace("#z", "#")

    @property
    def stem(self) -> str:
        """The file's name without its endings, ASCII, with the slice: `brain-slice14`."""
        name = re.sub(r"\.(gz|bz2)$", "", self.path.name, flags=re.IGNORECASE)
        plain = unicodedata.normalize("NFKD", Path(name).stem).encode("ascii", "ignore").decode()
        words = re.sub(r"[^A-Za-z0-9_.]+", "-", plain).strip("-.") or "pair"
        return words + self._slice().replace("#", "-slice")

    def read(self) -> Slice:
        """Read the slice that is meant.

        Raises: ImageError.
        """
        if not os.path.exists(self.path):
            raise ImageError(f"{self.path} does not exist")
        image, format_name = _read(self)
        spacing = tuple(map(float, image.GetSpacing()))
        if format_name in (*PICTURES, NUMPY) or (
            format_name == "GDCMImageIO" and not any(map(image.HasMetaDataKey, DICOM_SPACING))
        ):
            spacing = ()
        dropped = self._dropped(image.GetSize())
        kept = [axis for axis in range(image.GetDimension()) if axis not in dropped]
        # SimpleITK's axes are x, y, z; its arrays' are z, y, x, and then the colours.
        places = tuple(
            dropped.get(axis, slice(None)) for axis in reversed(range(image.GetDimension()))
        )
        values, kind = _grey(self, image, places)
        self._refuse_unusable(values)
        directions = np.reshape(image.GetDirection(), (image.GetDimension(),) * 2).T
        return Slice(
            values=values,
            spacing=(spacing[kept[0]], spacing[kept[1]]) if spacing else None,
            axes=directions[kept] if spacing else None,
            kind=kind,
        )

    def _dropped(self, size: tuple[int, ...]) -> dict[int, int]:
        """Return which axes are left out, and at which index each is taken.

        Args:
            size: along x, y, z, ...
        Raises: ImageError where a volume is left, or the slice is not in it.

        """
        told = "x".join(map(str, size))
        # A time axis of one volume, then a slice axis of one slice, says nothing.
        dropped = {axis: 0 for axis in range(3, len(size)) if size[axis] == 1}
        if len(size) - len(dropped) > 3:
            raise ImageError(f"{self.path} has {told} pixels; take one volume out of it first")
        if self.axis is not None and self.index is not None:
            if len(size) < 3:
                raise ImageError(
                    f"{self} names a slice, but the image is 2-D ({told}): leave out the # and "
                    "what follows it"
                )
            if self.index >= size[self.axis]:
                raise ImageError(
                    f"{self.path} has slices 0 to {size[self.axis] - 1} across "
                    f"{'xyz'[self.axis]}, not {self.index}"
                )
            return {**dropped, self.axis: self.index}
        if len(size) >= 3:
            flat = [axis for axis in (2, 1, 0) if size[axis] == 1]
            if not flat:
                raise ImageError(
                    f"{self.path} is a volume of {told}; name a slice: "
                    f"{self.path.name}#{size[2] // 2} (0 to {size[2] - 1}), or #x.. or #y.. across "
                    "another axis"
                )
            dropped[flat[0]] = 0
        return dropped

    def _refuse_unusable(self, values: NDArray[np.float64]) -> None:
        odd = int((~np.isfinite(values)).sum())
        if odd:
            raise ImageError(f"{self} has {odd} pixels that are not finite; fill them first")
        if min(values.shape) < LEAST_SIDE:
            raise ImageError(
                f"{self} is {values.shape[1]}x{values.shape[0]} px; expected {LEAST_SIDE} px or "
                "more a side"
            )


def _read(name: ImageName) -> tuple[Any, str]:
    """Return SimpleITK's image and the name of the format."""
    sitk = simpleitk()

    path = name.path
    with one_quiet_thread():
        try:
            if path.is_dir():
                return _read_series(name, sitk), "GDCMImageIO"
            if path.suffix.lower() == ".npy":
                return _read_npy(path, sitk), NUMPY
            reader = sitk.ImageFileReader()
            reader.SetFileName(str(path))
            format_name = str(sitk.ImageFileReader.GetImageIOFromFileName(str(path)))
            if not format_name:
                raise ImageError(f"{path} is in no format that SimpleITK reads")
            return reader.Execute(), format_name
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[-1].strip().removeprefix("sitk::ERROR: ")
            raise ImageError(f"{path} cannot be read by SimpleITK: {reason}") from None


def _read_npy(path: Path, sitk: Any) -> Any:
    """Read an array `(H, W)`, `(H, W, 3 or 4)` of colours or `(D, H, W)`, as SimpleITK's image."""
    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ImageError(f"{path} cannot be read by numpy: {said_by(error)}") from None
    if array.ndim not in (2, 3) or array.dtype.kind not in "buif":
        raise ImageError(
            f"{path} holds {array.dtype} of shape {array.shape}; expected real numbers, (H, W), "
            "(H, W, 3) or (D, H, W)"
        )
    if array.dtype.kind == "b" or array.dtype == np.float16:
        array = array.astype(np.uint8 if array.dtype.kind == "b" else np.float32)
    coloured = array.ndim == 3 and array.shape[-1] in (3, 4)
    # SimpleITK knows no other byte order than the machine's.
    native = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("=")))
    return sitk.GetImageFromArray(native, isVector=coloured)


def _read_series(name: ImageName, sitk: Any) -> Any:
    """Read the DICOM series in a folder as a volume, in the order of its slices' places."""
    series = sitk.ImageSeriesReader.GetGDCMSeriesIDs(str(name.path))
    if len(series) != 1:
        found = f"{len(series)} DICOM series" if series else "no DICOM series"
        raise ImageError(f"{name.path} is a folder with {found}; expected one, or name a file")
    files = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(name.path), series[0])
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(files)
    reader.MetaDataDictionaryArrayUpdateOn()
    volume = reader.Execute()
    for key in DICOM_SPACING:
        if reader.HasMetaDataKey(0, key):
            volume.SetMetaData(key, reader.GetMetaData(0, key))
    return volume


def _grey(name: ImageName, image: Any, places: tuple[Any, ...]) -> tuple[NDArray[np.float64], str]:
    """Return one slice's grey values, `(H, W)` float64, and their type."""
    sitk = simpleitk()
    given = sitk.GetArrayViewFromImage(image)[places]
    kind = given.dtype.name
    colours = image.GetNumberOfComponentsPerPixel()
    if np.iscomplexobj(given):
        raise ImageError(f"{name.path} has complex pixels; expected real ones")
    if colours == 1:
        return given.astype(np.float64), kind
    if colours not in (3, 4):
        raise ImageError(
            f"{name.path} has {colours} values a pixel; expected 1 (grey), 3 (RGB) or 4 (RGBA)"
        )
    # Opacity is not brightness: the fourth value is left out.
    return given[..., :3].astype(np.float64) @ np.array(LUMA), f"{kind}, RGB to luma"
