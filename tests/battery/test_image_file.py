"""Files of a user's own: every kind gives the values that were written, or one line that says why
not."""

import locale
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from irgate_battery.cases import image_file
from irgate_battery.cases.image_file import LEAST_SIDE, ImageError, ImageName

DRAW = np.random.default_rng(5)
BYTES = DRAW.integers(0, 256, (20, 30), dtype=np.uint8)
VOLUME = DRAW.integers(-900, 900, (18, 20, 30), dtype=np.int16)
"""Axes z, y, x."""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name, array, spacing=None, colours=False):
    image = sitk.GetImageFromArray(array, isVector=colours)
    if spacing:
        image.SetSpacing(spacing)
    sitk.WriteImage(image, name)


def write_series(folder, count=LEAST_SIDE + 1):
    """Write a DICOM series whose file names run against its slices; return the volume."""
    folder.mkdir()
    # Writing DICOM tags leaves the process in the C locale, where text files are ASCII.
    before = locale.setlocale(locale.LC_ALL)
    writer = sitk.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    volume = VOLUME[:count]
    for number, values in enumerate(volume):
        image = sitk.GetImageFromArray(values[None])
        image.SetSpacing((0.5, 0.7, 2.0))
        tags = {
            "0008|0060": "MR",
            "0020|000d": "1.2.3",
            "0020|000e": "1.2.3.4",
            "0008|0018": f"1.2.3.4.{number + 1}",
            "0020|0013": str(number),
            "0020|0032": f"0\\0\\{2 * number}",
            "0020|0037": "1\\0\\0\\0\\1\\0",
        }
        for tag, value in tags.items():
            image.SetMetaData(tag, value)
        writer.SetFileName(str(folder / f"{99 - number}.dcm"))
        writer.Execute(image)
    locale.setlocale(locale.LC_ALL, before)
    return volume


def read(text):
    return ImageName.parse(text, Path.cwd()).read()


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("a.png", BYTES),
        ("a.png", BYTES.astype(np.uint16) * 200),
        ("a.tif", BYTES.astype(np.uint16) * 200),
        ("a.tif", BYTES.astype(np.float32) / 7),
        ("a.mha", BYTES.astype(np.float32) - 50),
        ("a.mhd", VOLUME[0]),
        ("a.nrrd", VOLUME[0]),
        ("a.nii", BYTES.astype(np.float64) / 3),
        ("a.nii.gz", VOLUME[:1]),
    ],
)
def test_the_values_that_were_written(name, array):
    write(name, array)
    found = read(name)
    assert found.values.dtype == np.float64
    assert np.array_equal(found.values, np.squeeze(array))
    assert found.kind == array.dtype.name


@pytest.mark.parametrize("colours", [3, 4])
def test_colours_become_luma_whatever_their_opacity(colours):
    array = DRAW.integers(0, 256, (20, 30, colours), dtype=np.uint8)
    write("c.png", array, colours=True)
    found = read("c.png")
    red, green, blue = (array[..., i].astype(float) for i in range(3))
    assert np.allclose(found.values, 0.299 * red + 0.587 * green + 0.114 * blue, atol=1e-9)
    assert found.kind == "uint8, RGB to luma"


@pytest.mark.parametrize(
    ("slice_name", "values", "spacing"),
    [
        ("#2", VOLUME[2], (0.5, 0.75)),
        ("#z17", VOLUME[17], (0.5, 0.75)),
        ("#x29", VOLUME[:, :, 29], (0.75, 2.0)),
        ("#y0", VOLUME[:, 0, :], (0.5, 2.0)),
    ],
)
def test_slices_across_each_axis(slice_name, values, spacing):
    write("v.nii.gz", VOLUME, (0.5, 0.75, 2.0))
    found = read(f"v.nii.gz{slice_name}")
    assert np.array_equal(found.values, values)
    assert found.spacing == pytest.approx(spacing)


def test_the_resolution_of_a_picture_is_no_spacing():
    """SimpleITK gives it: a scan at 300 dpi is not 0.085 mm of what it shows."""
    for name in ("a.png", "a.tif", "a.jpg"):
        write(name, BYTES, (0.5, 1.5))
        assert sitk.ReadImage(name).GetSpacing() != (1.0, 1.0)
        assert read(name).spacing is None


def test_a_dicom_series_in_the_order_of_its_places(folder):
    volume = write_series(folder / "series")
    for number in (0, 1, len(volume) - 1):
        found = read(f"series#{number}")
        assert np.array_equal(found.values, volume[number])
        # DICOM holds row spacing first.
        assert found.spacing == pytest.approx((0.5, 0.7))
    assert np.array_equal(read("series#x3").values, volume[:, :, 3])
    assert np.array_equal(read("series/99.dcm").values, volume[0])


def test_a_dicom_file_that_holds_no_spacing_has_none(monkeypatch):
    """SimpleITK says 1 mm of such a file, which nobody measured."""
    write("a.dcm", BYTES[None], (0.5, 0.7, 1.0))
    assert read("a.dcm").spacing == pytest.approx((0.5, 0.7))
    # SimpleITK writes no file without one, so none of its tags is known here.
    monkeypatch.setattr(image_file, "DICOM_SPACING", ())
    assert read("a.dcm").spacing is None


def test_a_file_of_just_that_name_is_no_slice(folder):
    write("plain.mha", BYTES)
    (folder / "plain.mha").rename("odd#7")
    assert ImageName.parse("odd#7", folder) == ImageName(folder / "odd#7")
    assert ImageName.parse("even#7", folder) == ImageName(folder / "even", 2, 7)


@pytest.mark.parametrize(
    ("text", "stem"),
    [
        ("brain.nii.gz#14", "brain-slice14"),
        ("brain.nii.gz#x60", "brain-slicex60"),
        ("dir/Bild 3 (neu).v2.png", "Bild-3-neu-.v2"),
        ("Ünïcode.tif", "Unicode"),
        ("脳.png", "pair"),
        ("a[1]::b.png", "a-1-b"),
    ],
)
def test_a_stem_is_ascii_and_safe_in_a_node_id(text, stem, folder):
    assert ImageName.parse(text, folder).stem == stem


def _spoilt(value):
    array = BYTES.astype(np.float32)
    array[3, 4] = value
    return array


UNUSABLE = {
    "missing": (None, "a.png", "a.png does not exist"),
    "no image": ("text", "a.png", "is in no format that SimpleITK reads"),
    "truncated": ("broken", "a.mha", "cannot be read by SimpleITK: "),
    "nan": (_spoilt(np.nan), "a.mha", "has 1 pixels that are not finite"),
    "infinite": (_spoilt(np.inf), "a.tif", "has 1 pixels that are not finite"),
    "small": (BYTES[:15], "a.png", "is 30x15 px; expected 16 px or more a side"),
    "volume": (VOLUME, "a.nii.gz", "volume of 30x20x18; name a slice: a.nii.gz#9 (0 to 17)"),
    "no such slice": (VOLUME, "a.mha#18", "has slices 0 to 17 across z, not 18"),
    "slice of a picture": (BYTES, "a.png#1", "names a slice, but the image is 2-D"),
    "complex": (BYTES.astype(np.complex64), "a.mha", "expected "),
    "empty folder": ("folder", "a", "is a folder with no DICOM series; expected one"),
    "time series": (np.stack([VOLUME, VOLUME]), "a.nii", "pixels; take one volume out of it first"),
}


@pytest.mark.parametrize(("content", "name", "words"), UNUSABLE.values(), ids=UNUSABLE)
def test_what_cannot_be_used_is_one_line(content, name, words, folder):
    file = name.partition("#")[0]
    if isinstance(content, np.ndarray):
        write(file, content)
    elif content == "text":
        (folder / file).write_text("hello")
    elif content == "broken":
        write(file, BYTES)
        whole = (folder / file).read_bytes()
        (folder / file).write_bytes(whole[: len(whole) // 2])
    elif content == "folder":
        (folder / file).mkdir()
    with pytest.raises(ImageError) as caught:
        read(name)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(folder) in str(caught.value)


def test_nothing_is_printed(capfd, folder):
    (folder / "empty").mkdir()
    with pytest.raises(ImageError):
        read("empty")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "array",
    [
        BYTES,
        BYTES.astype(">u2") * 257,
        BYTES.astype(np.float16),
        BYTES.astype(np.float64) - 100.5,
        BYTES > 100,
        np.asfortranarray(BYTES),
    ],
    ids=lambda array: array.dtype.str,
)
def test_numpy_s_own_file_gives_its_values(folder, array):
    np.save("a.npy", array)
    found = ImageName.parse("a.npy", folder).read()
    assert np.array_equal(found.values, array.astype(np.float64))
    assert (found.spacing, found.axes) == (None, None)


def test_colours_and_slices_of_numpy_s_own_file(folder):
    np.save("c.npy", np.stack([BYTES, BYTES, BYTES], axis=-1))
    assert np.allclose(ImageName.parse("c.npy", folder).read().values, BYTES)
    np.save("v.npy", VOLUME)
    assert np.array_equal(ImageName.parse("v.npy#7", folder).read().values, VOLUME[7])
    with pytest.raises(ImageError, match="name a slice"):
        ImageName.parse("v.npy", folder).read()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (np.zeros((20, 30), dtype=complex), "expected real numbers"),
        (np.zeros(600), r"of shape \(600,\)"),
        (np.array([{"a": 1}], dtype=object), "cannot be read by numpy"),
        (b"not numpy's", "cannot be read by numpy"),
    ],
)
def test_what_is_no_image_of_numpy_is_one_line(folder, content, said):
    if isinstance(content, bytes):
        Path("a.npy").write_bytes(content)
    else:
        np.save("a.npy", content)
    with pytest.raises(ImageError, match=said) as refused:
        ImageName.parse("a.npy", folder).read()
    assert "\n" not in str(refused.value)
