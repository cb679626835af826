"""What a newcomer meets: the wheel, and the two commands of the README."""

import re
import subprocess
import sys
import zipfile

import pytest

PACKAGES = {"pytest_irgate", "irgate_fixtures", "irgate_battery", "irgate_solver"}


@pytest.fixture(scope="module")
def wheel(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", folder, request.config.rootpath],
        check=True,
        capture_output=True,
    )
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path).namelist()


def test_the_wheel_has_four_packages_and_nothing_else(wheel):
    top = {name.partition("/")[0] for name in wheel}
    (metadata,) = [name for name in top if name.endswith(".dist-info")]
    assert top - {metadata} == PACKAGES


def test_the_wheel_has_what_the_packages_need(wheel):
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(wheel)
    assert "pytest_irgate/suites/base.py" in wheel
    assert any(name.startswith("irgate_battery/") and name.endswith(".json") for name in wheel)
    assert any(name.endswith("licenses/LICENSE") for name in wheel)


def test_ci_runs_the_readmes_test_command(request):
    root = request.config.rootpath
    commands = re.findall(
        r"^    (python -m pip .*)$", (root / "README.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert len(commands) == 2
    assert commands[1] in (root / ".ci" / "run").read_text(encoding="utf-8").splitlines()


def test_the_readme_is_short_enough_to_be_read(request):
    words = (request.config.rootpath / "README.md").read_text(encoding="utf-8").split()
    assert len(words) < 500
