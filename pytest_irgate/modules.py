"""The suites as pytest modules, hung under the session.

Each suite is a real `pytest.Module` with a node id of its own, so that `-k`, `-m`, `--lf`,
`--deselect`, xdist, JUnit and IDEs treat its items as any other. Its test functions are made from
the suite's items; its path is the suite's own file.
"""

import inspect
from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from irgate_battery.suites.registry import FOLDER, suites
from irgate_battery.suites.suite import Item, Suite
from pytest_irgate.item_runner import ItemRunner
from pytest_irgate.run_options import run_options_of
from pytest_irgate.selection import Selection


class SuiteModule(pytest.Module):
    """A suite's items, collected whatever the user's ini says."""

    suite: Suite[Any]
    selection: Selection

    @classmethod
    def of(cls, session: pytest.Session, suite: Suite[Any], selection: Selection) -> "SuiteModule":
        """Make the collector of a suite."""
        name = suite.entry.module_id
        path = Path(inspect.getfile(type(suite)))
        module: SuiteModule = cls.from_parent(session, path=path, name=name, nodeid=name)
        module.suite = suite
        module.selection = selection
        return module

    def _getobj(self) -> ModuleType:
        # Not pytest's import by path: in its default mode that puts site-packages first on
        # sys.path, in front of the user's own modules.
        return module_of(self.suite, self.suite.items(run_options_of(self.config).run_spec))

    def funcnamefilter(self, name: str) -> bool:
        """Take our names: a user's `python_functions = check_*` must not empty the suite."""
        return name.startswith("test_")

    def classnamefilter(self, name: str) -> bool:
        """No suite has classes."""
        return False

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        """Collect what was named."""
        named = [node for node in super().collect() if self.selection.holds(node.nodeid)]
        for node in named:
            # pytest asks the conftests above a node's path what they do about it. The suite's own
            # file has none; its node ids stand under the root.
            node.path = self.config.rootpath
        return named


def module_of(suite: Suite[Any], items: Iterable[Item[Any]]) -> ModuleType:
    """Return a test module for a suite: one function for all its items, or one for each."""
    module = ModuleType(f"{FOLDER}_{suite.name}", type(suite).__doc__)
    module.pytestmark = [  # type: ignore[attr-defined]
        pytest.mark.irgate,
        getattr(pytest.mark, suite.entry.marker),
    ]
    if suite.function is None:
        for item in items:
            name = f"test_{item.case}"
            setattr(module, name, _test_of(name, item))
        return module
    parameters = [pytest.param(item, id=item.case) for item in items]
    test = _parametrised_test(suite.function, suite.fill.__doc__)
    setattr(module, suite.function, pytest.mark.parametrize("irgate_item", parameters)(test))
    return module


def _test_of(name: str, item: Item[Any]) -> Callable[..., None]:
    def test(irgate_item_runner: ItemRunner) -> None:
        irgate_item_runner.run(item)

    test.__name__ = test.__qualname__ = name
    test.__doc__ = item.purpose
    return test


def _parametrised_test(name: str, about: str | None) -> Callable[..., None]:
    def test(irgate_item: Item[Any], irgate_item_runner: ItemRunner) -> None:
        irgate_item_runner.run(irgate_item)

    test.__name__ = test.__qualname__ = name
    test.__doc__ = about
    return test


class SuiteCollection:
    """The hooks that bring the suites in."""

    def __init__(self, names: tuple[str, ...], selection: Selection) -> None:
        self._names = names
        self._selection = selection

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Append the suites to what the session has collected of the user's own."""
        report = yield
        if isinstance(collector, pytest.Session) and report.passed:
            _load_root_conftest(collector.config)
            report.result.extend(
                SuiteModule.of(collector, suite, self._selection)
                for suite in suites(self._names)
                if self._selection.holds(suite.entry.module_id)
            )
        return report


def _load_root_conftest(config: pytest.Config) -> None:
    """Let pytest know the conftest of the root folder, which it has read for other folders alone.

    There is no public way: pytest does this itself when it collects a folder.
    """
    config.pluginmanager._loadconftestmodules(
        config.rootpath,
        importmode=config.getoption("importmode"),
        rootpath=config.rootpath,
        consider_namespace_packages=config.getini("consider_namespace_packages"),
    )


class KeepUnderLastFailed:
    """`--lf` passes over files without failures by path, and a suite's path is not its node id.

    So a suite's module is collected without that step; items that did not fail are then
    deselected one by one, as ever.
    """

    @pytest.hookimpl(tryfirst=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> pytest.CollectReport | None:
        """Collect a suite's module with pytest's skipping of whole files left out."""
        if not isinstance(collector, SuiteModule):
            return None
        manager = collector.config.pluginmanager
        skipping = manager.get_plugin("lfplugin-collskip")
        if skipping is None:
            return None
        rest = manager.subset_hook_caller("pytest_make_collect_report", [skipping, self])
        report: pytest.CollectReport = rest(collector=collector)
        return report
