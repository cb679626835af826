"""The pages say what the code holds: public names, limits, options, suites."""

import dataclasses
import importlib
import re

import pytest

from irgate_battery.cases import condition_table
from irgate_battery.interface.declaration import ALL_MODELS, OPTIONAL_ARGUMENTS
from irgate_battery.interface.reach import Reach
from irgate_battery.judge import limits
from irgate_battery.suites.registry import REGISTRY
from irgate_solver import Result
from pytest_irgate import options, strategies

PACKAGES = ("irgate_solver", "irgate_battery", "irgate_fixtures")


@pytest.fixture(scope="module")
def docs(request):
    return request.config.rootpath / "docs"


def section(text, title):
    return text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def names_of(table):
    """The names in the first column of the tables of a section, without arguments."""
    cells = re.findall(r"^\| (`[^|]*`) \|", table, re.MULTILINE)
    return [name for cell in cells for name in re.findall(r"`(\w+)(?:\([^`]*\))?`", cell)]


def test_each_page_says_whom_it_is_for(docs):
    for page in docs.glob("*.md"):
        begun = page.read_text("utf-8").partition("\n## ")[0]
        assert re.search(r"\b[Ff]or (those|whoever) ", begun), page.name


@pytest.mark.parametrize("package", PACKAGES)
def test_what_is_public_stands_on_the_page_and_nothing_else(docs, package):
    module = importlib.import_module(package)
    text = section((docs / "api.md").read_text("utf-8"), package)
    told = names_of(text.partition("\n### Result\n")[0])
    assert sorted(told) == sorted(module.__all__)
    assert len(set(module.__all__)) == len(module.__all__)
    assert all(hasattr(module, name) for name in module.__all__)
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = module.no_such_name


def test_what_a_result_holds_stands_on_the_page(docs):
    text = section((docs / "api.md").read_text("utf-8"), "irgate_solver")
    fields = [field.name for field in dataclasses.fields(Result)]
    written = (name for base in Result.__mro__[:-2] for name in vars(base))
    public = {name for name in (*fields, *written) if not name.startswith("_")}
    assert set(names_of(text.partition("\n### Result\n")[2])) == public


def test_the_strategies_stand_on_the_page(docs):
    text = section((docs / "api.md").read_text("utf-8"), "pytest_irgate")
    assert set(re.findall(r"`(\w+)`", text)) >= set(strategies.__all__)


@pytest.mark.parametrize(
    ("name", "module"), [("limits", limits), ("options", options), ("conditions", condition_table)]
)
def test_a_page_is_what_its_command_prints(docs, name, module):
    assert (docs / f"{name}.md").read_text("utf-8") == module.page()


def test_every_suite_stands_in_the_readme(request):
    readme = (request.config.rootpath / "README.md").read_text("utf-8")
    for entry in REGISTRY:
        assert f"| {entry.name} |" in readme


def test_no_page_counts_the_battery_by_hand(request, docs):
    """The count follows from the battery's table; a page that repeats it would be wrong one day."""
    pages = [request.config.rootpath / "README.md", request.config.rootpath / "ARCHITECTURE.md"]
    for page in (*pages, docs / "own-images.md", docs / "diagnosis.md"):
        assert not re.search(r"\b50 (battery )?(cases|perturb)", page.read_text("utf-8")), page.name


def test_all_that_a_solver_may_take_and_say_stands_on_its_page(docs):
    text = (docs / "protocol.md").read_text("utf-8")
    told = names_of(text)
    assert {"fixed", "moving", *OPTIONAL_ARGUMENTS} <= set(told)
    assert {"models", "reach", "differentiable", "name", "version"} <= set(told)
    assert all(f'"{model}"' in text for model in ALL_MODELS)
    assert all(f'"{field.name}"' in text for field in dataclasses.fields(Reach))
