"""A user's own pairs: named, read, held against SimpleITK, and never green over nothing."""

from dataclasses import replace
from pathlib import Path

import identity
import moved
import numpy as np
import pytest
import raising
import SimpleITK as sitk
from items import evaluate

from irgate_battery import oracle
from irgate_battery.cases.own_pairs import PairError, own_pairs
from irgate_battery.cases.run_spec import RunSpec
from irgate_battery.oracle.store import OracleStore
from irgate_battery.run import check_solver
from irgate_fixtures import rigid, translation


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Pictures of 64x48 px, a slice of 0.5 x 1.5 mm, a mask, and two unrelated pictures."""
    folder = tmp_path_factory.mktemp("pairs")
    fixed, moving = (np.rint(65535 * image) for image in moved.images())
    noise = np.random.default_rng(8).integers(0, 65535, (48, 64))
    mask = np.zeros((48, 64))
    mask[4:44, 5:60] = 255
    spoilt = np.where(mask == 0, noise, fixed)
    pictures = {
        "fixed": fixed,
        "moving": moving,
        "noise": noise,
        "spoilt": spoilt,
        "with, comma": fixed,
    }
    for name, values in pictures.items():
        write(folder / f"{name}.png", values.astype(np.uint16))
    write(folder / "mask.png", mask.astype(np.uint8))
    for name, values in zip(("thin", "thick"), moved.images((0.5, 1.5)), strict=True):
        # As scanners write it: a volume, the slice in the middle.
        write(folder / f"{name}.nii.gz", np.stack([0 * values, values]), (0.5, 1.5, 4.0))
    return folder


def write(path, array, spacing=None):
    image = sitk.GetImageFromArray(array)
    if spacing:
        image.SetSpacing(spacing)
    sitk.WriteImage(image, str(path))


def one(text, folder):
    (pair,) = own_pairs([text], folder)
    return pair


class Memory(dict):
    """A cache as pytest's."""

    def set(self, key, value):
        self[key] = value


COMMON = Memory()
"""What the oracle said to one test holds for the next."""


def result(text, folder, solver=moved.register, memory=COMMON):
    pair = one(text, folder)
    spec = RunSpec(pairs=(pair,))
    return evaluate("pair", pair.id, solver, store=OracleStore("auto", memory), run_spec=spec).row


def off_by(px):
    return np.array([[0, 0, px], [0, 0, 0], [0, 0, 0]])


@pytest.fixture
def answers(monkeypatch):
    """Put words into the oracle's mouth."""

    def say(transform):
        result = oracle.OracleResult(transform, 0.0, 0.0, 1, 0.1, "none")
        monkeypatch.setattr(oracle, "solve", lambda *_: result)

    return say


PICTURES = "fixed.png,moving.png,same"


class TestNames:
    def test_fields_in_their_order(self):
        pair = one("a.png,b.png,m.png,affine,same", Path("/data"))
        assert [str(name) for name in (pair.fixed, pair.moving, pair.mask)] == [
            "/data/a.png",
            "/data/b.png",
            "/data/m.png",
        ]
        assert (pair.id, pair.model, pair.intensity) == ("a", "affine", "same")

    @pytest.mark.parametrize(
        ("text", "mask", "model", "intensity"),
        [
            ("a.png,b.png", None, "rigid", "varying"),
            ("a.png,b.png,,ffd", None, "ffd", "varying"),
            ("a.png, b.png, translation", None, "translation", "varying"),
            ("a.png,b.png,,,same", None, "rigid", "same"),
            ("a.png,b.png,./rigid", "/data/rigid", "rigid", "varying"),
            ('a.png,b.png,"m,1.png"', "/data/m,1.png", "rigid", "varying"),
        ],
    )
    def test_fields_left_out_or_empty(self, text, mask, model, intensity):
        pair = one(text, Path("/data"))
        assert (pair.mask and str(pair.mask), pair.model, pair.intensity) == (
            mask,
            model,
            intensity,
        )

    def test_what_it_prints_is_what_it_reads(self):
        for text in ('"a ""b"", c.png",b.nii#3,,affine', "/x/a.png,~/b.png,m.png,same"):
            pair = one(text, Path("/data"))
            assert one(str(pair), Path("/elsewhere")) == pair

    def test_home_is_the_users(self, monkeypatch):
        monkeypatch.setenv("HOME", "/home/me")
        assert str(one("a.png,~/b.png", Path("/data")).moving) == "/home/me/b.png"

    def test_names_are_unique_and_stable(self):
        texts = ["a.png,b.png", "x/a.tif,b.png", "a-2.png,b.png", "a.mha,b.png"]
        assert [pair.id for pair in own_pairs(texts, Path("/"))] == ["a", "a-2", "a-2-2", "a-3"]

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("a.png", "names less than two images"),
            (",b.png", "names less than two images"),
            ("", "names less than two images"),
            ('"a.png,b.png', "quotes do not close"),
            ("a,b,rigid,affine", "more than one model: ['rigid', 'affine']"),
            ("a,b,m.png,n.png", "more than one mask: ['m.png', 'n.png']"),
            ("a,b,same,varying", "more than one intensity"),
        ],
    )
    def test_what_names_no_pair(self, text, words):
        with pytest.raises(PairError) as caught:
            own_pairs([text], Path("/"))
        assert words in str(caught.value)
        assert "expected fixed,moving[,mask][,model][,same|varying]" in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_a_comma_in_a_name_is_told_how_to_write(self, tmp_path):
        (tmp_path / "a,b.png").touch()
        for text, whole in (("a,b.png,c.png", "a,b.png"), ("c.png,a,b.png,rigid", "a,b.png")):
            with pytest.raises(PairError) as caught:
                one(text, tmp_path)
            assert f"{whole} is one file; expected a path with a comma in double" in str(
                caught.value
            )
        # Two files, and one whose name is both of theirs: what was written is what is meant.
        (tmp_path / "a").touch()
        assert one("a,b.png", tmp_path).moving.path == tmp_path / "b.png"
        assert one('"a,b.png",c.png', tmp_path).fixed.path == tmp_path / "a,b.png"

    def test_files_are_named_with_their_role(self, folder):
        for text, words in (
            ("no.png,moving.png", "no: fixed image "),
            ("fixed.png,no.png", "fixed: moving image "),
            ("fixed.png,moving.png,riged", "(no model either: they are translation, rigid,"),
        ):
            with pytest.raises(PairError) as caught:
                one(text, folder).read()
            assert words in str(caught.value)
            assert "does not exist" in str(caught.value)


class TestDigest:
    def digest(self, text, folder):
        return one(text, folder).read().digest()

    def test_pixels_count_and_names_do_not(self, folder):
        assert self.digest(PICTURES, folder) == self.digest(
            '"with, comma.png",moving.png,same', folder
        )

    @pytest.mark.parametrize(
        "other",
        [
            "fixed.png,fixed.png,same",
            "moving.png,fixed.png,same",
            "fixed.png,moving.png,same,mask.png",
            "fixed.png,moving.png,same,affine",
            "fixed.png,moving.png,varying",
        ],
    )
    def test_whatever_decides_the_answer_counts(self, other, folder):
        assert self.digest(other, folder) != self.digest(PICTURES, folder)

    def test_intensity_counts_where_it_changes_no_pixel(self, folder):
        assert self.digest("fixed.png,fixed.png,same", folder) != self.digest(
            "fixed.png,fixed.png,varying", folder
        )


class TestVerdict:
    def test_a_solver_that_knows_the_motion_passes(self, folder):
        row = result(PICTURES, folder)
        assert (row.status, row.message) == ("passed", "")
        assert (row.id, row.suite) == ("irgate/pair.py::test_case[fixed]", "pair")
        assert row.oracle_distance_px < NEAR_PX
        assert row.identity_rmse > 10 * row.rmse
        assert row.coverage == pytest.approx(row.oracle_coverage, abs=0.01)
        for name in ("truth_rmse", "truth_coverage", "tre_px", "tre_max_px", "oracle_tre_px"):
            assert getattr(row, name) is None
        assert (row.spacing_mm, row.oracle_distance_mm) == (None, None)

    def test_a_motion_in_mm_is_found_in_mm_on_anisotropic_pixels(self, folder):
        """Both the oracle and a solver that knows the motion get pixels in which it is rigid."""
        row = result("thin.nii.gz#1,thick.nii.gz#1,same", folder)
        assert (row.case, row.status, row.spacing_mm) == ("thin-slice1", "passed", 0.5)
        assert row.oracle_distance_mm == pytest.approx(0.5 * row.oracle_distance_px)
        assert row.oracle_distance_mm < NEAR_PX
        assert "127x32 px of 0.5x1.5 mm" in row.preparation
        assert "both resampled to 0.5 mm (127x94 px, " in row.preparation

    @pytest.mark.parametrize(
        ("solver", "words"),
        [
            (identity.register, "nothing was moved"),
            (lambda fixed, moving: np.linalg.inv(moved.matrix()), "is inverted"),
            (raising.register, "raised"),
            (lambda fixed, moving: moved.matrix() + off_by(0.5), "is over its limit"),
        ],
    )
    def test_a_broken_one_fails_and_hears_why(self, solver, words, folder):
        row = result(PICTURES, folder, solver)
        assert row.status == "failed"
        assert words in row.message
        assert "\n" not in row.message

    def test_one_that_leaves_the_overlap_fails_whatever_its_rmse(self, folder):
        row = result(PICTURES, folder, lambda fixed, moving: [[1, 0, 55], [0, 1, 0]])
        assert (row.status, row.escaped) == ("failed", True)
        assert "where SimpleITK's transform covers" in row.message

    def test_a_mask_reaches_judge_oracle_and_solver(self, folder):
        seen = []

        def register(fixed, moving, model, mask, intensity):
            seen.append((model, intensity, int(mask.sum())))
            return moved.matrix()

        row = result("spoilt.png,moving.png,mask.png,same", folder, register)
        assert row.status == "passed"
        assert seen == [("rigid", "same", 40 * 55)]
        assert row.oracle_distance_px < NEAR_PX
        assert "mask trusts 72%" in row.preparation

    def test_strangers_are_not_evaluated(self, folder, answers):
        answers(rigid(0.3, 5, -4, (48, 64)))
        row = result("fixed.png,noise.png", folder, memory=None)
        assert (row.status, row.oracle) == ("skipped", "doubtful")
        assert "not evaluated: SimpleITK's result is in doubt: " in row.message
        assert row.rmse is not None

    def test_an_aligned_pair_shows_nothing(self, folder):
        row = result("fixed.png,fixed.png", folder, lambda fixed, moving: np.eye(3))
        assert row.status == "skipped"
        assert "not evaluated" in row.message

    def test_where_doing_nothing_would_pass_too_a_pass_shows_nothing(self, folder, answers):
        """A motion of 0.3 px under a gain of 0.9. Who moves away fails all the same."""
        fixed = moved.images()[0]
        moving = 0.9 * (0.3 * np.roll(fixed, 1, axis=1) + 0.7 * fixed)
        for name, values in (("still", fixed), ("dimmer", moving)):
            write(folder / f"{name}.png", (65535 * values).astype(np.uint16))
        answers(translation(0.3, 0))
        row = result("still.png,dimmer.png,same", folder, identity.register, memory=None)
        assert row.status == "skipped"
        assert "within its limit, but doing nothing would be too" in row.message
        away = result("still.png,dimmer.png,same", folder, lambda f, m: off_by(3) + np.eye(3), None)
        assert away.status == "failed"

    def test_what_a_solver_cannot_take_is_skipped(self, folder):
        def unmasked(fixed, moving):
            return moved.matrix()

        row = result("fixed.png,moving.png,mask.png", folder, unmasked)
        assert (row.status, row.message) == ("skipped", "solver 'unmasked' takes no mask")
        unmasked.models = ("ffd",)
        row = result("fixed.png,moving.png", folder, unmasked)
        assert row.status == "skipped"
        assert "has no rigid model" in row.message

    def test_a_file_that_vanished_is_an_error_row(self, folder):
        row = result("gone.png,moving.png", folder)
        assert row.status == "error"
        assert row.message.startswith("gone: fixed image ")


NEAR_PX = 0.02
"""px (or mm) between the oracle and the known motion: 64x48 px, linear lookups in waves of 9 px."""


class TestOracle:
    @pytest.fixture
    def asked(self, monkeypatch):
        calls = []
        solve = oracle.solve

        def counted(*args):
            calls.append(args)
            return solve(*args)

        monkeypatch.setattr(oracle, "solve", counted)
        return calls

    def test_it_is_asked_once_and_remembered_by_the_pixels(self, folder, asked):
        memory = Memory()
        first = result(PICTURES, folder, memory=memory)
        again = result('"with, comma.png",moving.png,same', folder, memory=memory)
        assert (first.oracle, again.oracle, len(asked)) == ("live", "cached", 1)
        of_the_name = {"id": "", "case": "", "files": "", "oracle": "", "seconds": 0}
        assert replace(again, **of_the_name) == replace(first, **of_the_name)
        result("fixed.png,moving.png,same,translation", folder, memory=memory)
        assert len(asked) == 2


class TestCheckSolver:
    def test_pairs_beside_suites(self, folder, monkeypatch):
        monkeypatch.chdir(folder)
        report = check_solver(moved.register, suites=["pair"], pairs=[PICTURES])
        assert [row.id for row in report.rows] == ["irgate/pair.py::test_case[fixed]"]
        assert report.verdicts.pairs.to_dict() == {
            "status": "pass",
            "passed": 1,
            "ran": 1,
            "expected": 1,
            "missing": 0,
            "waived": 0,
            "reason": "1 of 1 within 1.1 x SimpleITK's RMSE + 0.0001",
        }
        assert (report.exit_status, report.passed) == (0, False)
        assert report.verdicts.hard_gate.status == "not_evaluated"
        assert str(report).splitlines()[-1] == (
            "irgate: OWN PAIRS PASS: 1 of 1 within 1.1 x SimpleITK's RMSE + 0.0001; the gate "
            "itself did not run"
        )

    def test_a_pair_is_asked_for_by_its_name_alone(self, folder, monkeypatch):
        monkeypatch.chdir(folder)
        report = check_solver(identity.register, suites=["contract"], pairs=[PICTURES])
        assert {row.suite for row in report.rows} == {"contract", "pair"}

    def test_wrong_calls_are_refused_before_anything_runs(self, folder):
        with pytest.raises(ValueError, match=r"pair needs pairs=\[...\]"):
            check_solver(moved.register, suites=["pair"])
        with pytest.raises(ValueError, match="no result is stored for own pairs"):
            check_solver(moved.register, oracle="stored", pairs=[PICTURES])
        with pytest.raises(PairError, match="does not exist"):
            check_solver(moved.register, pairs=["nowhere.png,nor.png"])
