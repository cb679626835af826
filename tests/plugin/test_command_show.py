"""`irgate show`: a picture file for every way to name a case; one line for every wrong one."""

import subprocess
import sys

import pytest
from matplotlib.figure import Figure

import irgate_fixtures
from pytest_irgate.command import main, show

PNG = b"\x89PNG\r\n\x1a\n"


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


def test_what_is_drawn_is_the_solver_s_answer(here, solvers, monkeypatch):
    drawn = []

    def draw(figure_input):
        drawn.append(figure_input)
        return Figure()

    monkeypatch.setattr("irgate_battery.report.figure.draw", draw)
    main(["show", "lena_affine_2d", "--solver", f"{solvers}/identity.py:register"])
    main(["show", "lena_affine_2d"])
    assert not drawn[0].displacement.any()
    assert drawn[1].displacement is None
    assert drawn[0].purpose == drawn[1].purpose == irgate_fixtures.PURPOSES["lena_affine_2d"]


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
