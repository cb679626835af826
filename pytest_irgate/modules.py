"""The suites as pytest modules, hung under the session.

Each suite is a real `pytest.Module` of this package with a node id of its own, so that `-k`,
`-m`, `--lf`, `--deselect`, xdist, JUnit and IDEs treat its items as any other.
"""

import importlib
from collections.abc import Generator, Iterable
from pathlib import Path
from types import ModuleType

import pytest

from pytest_irgate import suites
from pytest_irgate.selection import Selection, module_id


class SuiteModule(pytest.Module):
    """A suite: a module of `pytest_irgate.suites`, collected whatever the user's ini says."""

    suite: str
    selection: Selection

    @classmethod
    def of(cls, session: pytest.Session, suite: str, selection: Selection) -> "SuiteModule":
        """Make the collector of a suite."""
        name = module_id(suite)
        path = Path(suites.__file__).with_name(f"{suite}.py")
        module: SuiteModule = cls.from_parent(session, path=path, name=name, nodeid=name)
        module.suite = suite
        module.selection = selection
        return module

    def _getobj(self) -> ModuleType:
        # Not pytest's import by path: in its default mode that puts site-packages first on
        # sys.path, in front of the user's own modules.
        return importlib.import_module(f"{suites.__name__}.{self.suite}")

    def funcnamefilter(self, name: str) -> bool:
        """Take our names: a user's `python_functions = check_*` must not empty the suite."""
        return name.startswith("test_")

    def classnamefilter(self, name: str) -> bool:
        """No suite has classes."""
        return False

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        """Collect what was named."""
        return [node for node in super().collect() if self.selection.holds(node.nodeid)]


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
            report.result.extend(
                SuiteModule.of(collector, name, self._selection)
                for name in self._names
                if self._selection.holds(module_id(name))
            )
        return report


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
