"""`irgate show`: a picture file for every way to name a case; one line for every wrong one."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk
from matplotlib.figure import Figure
from page_runs import judged, off_by

import irgate_fixtures
from irgate_battery.cases.run_spec import RunSpec
from irgate_battery.report.conclusion import conclude
from irgate_battery.results.result_row import ResultRow
from irgate_battery.results.solver_identity import SolverIdentity
from pytest_irgate.command import main, show

PNG = b"\x89PNG\r\n\x1a\n"


def stored(path, *rows, spec="mine.py:register"):
    report = conclude(rows, SolverIdentity(spec, "mine", "1"), RunSpec())
    path.write_text(report.to_json(), encoding="utf-8")


@pytest.fixture
def portrayed(monkeypatch):
    """What would be drawn."""
    found = []

    def draw(figure_input):
        found.append(figure_input)
        return Figure()

    monkeypatch.setattr("irgate_battery.report.figure.draw", draw)
    return found


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_picture_of_a_solver_s_answer(here, solvers, capsys):
    arguments = ["show", "synth_translate_2d", "--solver", f"{solvers}/identity.py:register"]
    assert main([*arguments, "-o", "out.png"]) == 0
    assert capsys.readouterr().out == (
        "wrote out.png: synth_translate_2d after identity.py:register\n"
    )
    data = (here / "out.png").read_bytes()
    assert data.startswith(PNG)
    assert len(data) > 50_000


def test_what_is_drawn_is_the_solver_s_answer(here, solvers, portrayed):
    main(["show", "lena_affine_2d", "--solver", f"{solvers}/identity.py:register"])
    main(["show", "lena_affine_2d"])
    assert not portrayed[0].displacement.any()
    assert portrayed[1].displacement is None
    assert (
        portrayed[0].purpose == portrayed[1].purpose == irgate_fixtures.PURPOSES["lena_affine_2d"]
    )
    # It is judged as in a run, and the truth is not.
    row = portrayed[0].row
    assert (row.suite, row.status, row.diagnosis) == ("base", "failed", "identity")
    assert portrayed[1].row is None


def test_a_solver_that_is_not_asked_in_a_run_is_drawn_all_the_same(here, solvers, portrayed):
    case = "lena_affine_2d-occlusion25"
    assert main(["show", case, "--solver", f"{solvers}/identity.py:register"]) == 0
    assert portrayed[0].row.status == "skipped"
    assert "takes no mask" in portrayed[0].row.message
    assert not portrayed[0].displacement.any()


def test_a_stored_answer_is_drawn_without_solving(here, capsys, portrayed):
    name = "bspline_random_2d-rot15"
    answer = off_by(name, 0.3, 0.1, bend=0.4)
    row = judged(name, answer, status="failed", message="off")
    stored(here / "r.json", row, ResultRow("irgate/gradient.py::t", "gradient", name, "ffd"))
    assert main(["show", name, "--from", "r.json"]) == 0
    assert main(["show", row.id, "--from", "r.json", "-o", "other.png"]) == 0
    assert f"wrote {name}.png: {name} after mine.py:register\n" in capsys.readouterr().out
    for each in portrayed:
        assert np.abs(each.displacement - answer).max() < 1e-4
        assert (each.row, each.who, each.name) == (row, "mine.py:register", name)
        assert each.purpose


def test_an_own_pair_of_a_report_is_read_again(here, portrayed):
    pair = irgate_fixtures.pair("brain_mri_real")
    for name in ("fixed", "moving"):
        picture = (1000 * getattr(pair, name).clip(0, 1)).astype(np.uint16)
        sitk.WriteImage(sitk.GetImageFromArray(picture), f"{name}.png")
    spec = f"{here}/mine.py:register"
    (here / "mine.py").write_text("def register(fixed, moving): return [[1, 0, 2], [0, 1, 0]]")
    pair = ["--suite", "pair", "--pair", "fixed.png,moving.png,,translation"]
    main(["check", spec, *pair, "--json", "r.json"])
    assert main(["show", "fixed", "--from", "r.json"]) == 0
    (found,) = portrayed
    assert np.allclose(found.displacement, (2, 0))
    assert found.reference[1] == "SimpleITK"
    (here / "moving.png").write_bytes((here / "fixed.png").read_bytes())
    assert main(["show", "fixed", "--from", "r.json"]) == 4


def test_what_a_report_does_not_hold_is_one_line(here, capsys):
    row = judged("lena_affine_2d")
    lost = ResultRow("irgate/base.py::x", "base", "brain_mri_real", None, "failed", "it raised")
    odd = ResultRow("irgate/base.py::y", "base", "../x", transform=row.transform)
    stored(here / "r.json", replace(row, truth_rmse=1.0), lost, odd)
    (here / "not.json").write_text("[]")
    for name, source, words in (
        ("lena_affine_2", "r.json", "r.json holds no such case; the nearest are lena_affine_2d"),
        ("brain_mri_real", "r.json", "holds no answer of it (failed: it raised)"),
        ("lena_affine_2d", "r.json", "its images are not those that were judged"),
        ("../x", "r.json", "no name for a file; add --output FILE"),
        ("lena_affine_2d", "no.json", "no.json: No such file"),
        ("lena_affine_2d", "not.json", "not.json: JSON without a schema"),
    ):
        assert main(["show", name, "--from", source]) == 4
        err = capsys.readouterr().err
        assert err.startswith("irgate show: ")
        assert words in err
        assert err.count("\n") == 1
    assert not list(here.glob("**/*.png"))


def test_an_answer_is_solved_or_stored(here, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["show", "lena_affine_2d", "--from", "r.json", "--solver", "bundled"])
    assert ended.value.code == 4
    assert "not allowed with" in capsys.readouterr().err


def test_a_module_of_this_folder_is_found(here, monkeypatch):
    # As under the installed command, which unlike `python -m` does not look here by itself.
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    (here / "of_this_folder.py").write_text("def register(fixed, moving): return [[1,0,0],[0,1,0]]")
    assert main(["show", "synth_translate_2d", "--solver", "of_this_folder:register"]) == 0


def test_the_file_s_name_is_the_case_s_if_none_is_given(here):
    assert main(["show", "brain_mri_real"]) == 0
    assert (here / "brain_mri_real.png").is_file()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("lena_affine_2d-rot75", "lena_affine_2d-rot75"),
        ("brain_mri_real", "brain_mri_real"),
        ("irgate/base.py::test_case[brain_mri_real]", "brain_mri_real"),
        ("irgate/battery.py::test_case[lena_affine_2d-rot75]", "lena_affine_2d-rot75"),
        ("irgate/recovery.py::test_recovers[lena_affine_2d-shift5px]", "lena_affine_2d"),
        ("irgate/gradient.py::test_gradient[bspline_random_2d]", "bspline_random_2d"),
        ("brain_mri_real-shift-draw52", "brain_mri_real-shift-draw52"),
    ],
)
def test_a_case_has_many_names(name, expected):
    assert show.find(name, 0).id == expected


def test_matplotlib_is_imported_only_for_a_picture():
    code = (
        "import sys; from pytest_irgate.command import main; main(['list']); "
        "import irgate_battery, pytest_irgate.plugin; sys.exit('matplotlib' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


WRONG = {
    "near": (
        ["lena_affine_2d-rot57"],
        "no case of that name; the nearest are lena_affine_2d-rot75",
    ),
    "far": (["?"], "?: no case of that name; `irgate list` has them all"),
    "not drawn": (["brain_mri_real-rot-draw52"], "the nearest are brain_mri_real-"),
    "contract": (["irgate/contract.py::test_direction"], "the images of synth_translate_2d"),
    "ending": (["brain_mri_real", "-o", "x.gif"], "--output x.gif: expected a name that ends in"),
    "folder": (
        ["brain_mri_real", "-o", "no/x.png"],
        "no/x.png: it cannot be written: there is no folder no",
    ),
    "is folder": (["brain_mri_real", "-o", "is.png"], "--output is.png: that is a folder"),
    "solver": (["brain_mri_real", "--solver", "nobody"], "nobody: no solver of that name"),
    "model": (
        ["brain_mri_real", "--solver", "{solvers}/translation_only.py:register"],
        "has no rigid model, which brain_mri_real asks for",
    ),
}


@pytest.mark.parametrize(("arguments", "words"), WRONG.values(), ids=WRONG)
def test_wrong_usage_is_one_line_and_status_4(here, capsys, solvers, arguments, words):
    (here / "is.png").mkdir()
    filled = [argument.format(solvers=solvers) for argument in arguments]
    assert main(["show", *filled]) == 4
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("irgate show: ")
    assert words in err
    assert err.count("\n") == 1


def test_a_solver_that_fails_is_one_line_and_status_1(here, capsys, solvers):
    assert main(["show", "brain_mri_real", "--solver", f"{solvers}/raising.py:register"]) == 1
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "raised ValueError: singular matrix" in err
    assert not list(here.glob("*.png"))
