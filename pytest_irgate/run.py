"""One gate run in one pytest session: set up, gather rows, conclude, report.

Under xdist every process has one of these. The workers' rows ride on their test reports; the
controller gathers, so that what a dead worker had measured before is kept.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from irgate_battery.cases.own_pairs import own_pairs
from irgate_battery.cases.packs import read_packs
from irgate_battery.interface import linux
from irgate_battery.interface.outside_text import one_line, several_lines
from irgate_battery.interface.printed import barred
from irgate_battery.report.conclusion import conclude
from irgate_battery.report.last_line import NOTHING_JUDGED, failed_for
from irgate_battery.report.provenance import Provenance
from irgate_battery.report.report import Report
from irgate_battery.suites.registry import REGISTRY, suites
from pytest_irgate import __version__, github_summary, terminal
from pytest_irgate.alike_failures import AlikeFailuresOnce
from pytest_irgate.endings import RunEndings, stopped_by
from pytest_irgate.exit_guard import EXIT_UNCONCLUDED
from pytest_irgate.expected_failures import ExpectedFailures
from pytest_irgate.extras import how_to_get, is_installed, lack_of_run
from pytest_irgate.gathered_rows import GatheredRows
from pytest_irgate.item_runner import (
    IDENTITY,
    ITEM_RESULT,
    figures_of,
    other_definitions,
    row_of,
)
from pytest_irgate.modules import KeepUnderLastFailed, SuiteCollection
from pytest_irgate.options import DEFAULT_SOLVER
from pytest_irgate.output_file import write_report
from pytest_irgate.own_test_rows import OwnTestRows
from pytest_irgate.resolve import begin, rest, solver_of
from pytest_irgate.run_options import RUN_OPTIONS, refuse_unreadable, run_options_of
from pytest_irgate.selection import Selection, arguments_of, split_arguments
from pytest_irgate.written_files import WrittenFiles

FROM_CONTROLLER = "irgate"
"""Key under which a worker, whose folder may be another, learns what was named by its path."""


class GateRun:
    """The session plugin of `--irgate`."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        worker_input: dict[str, Any] | None = getattr(config, "workerinput", None)
        self._is_worker = worker_input is not None
        # Before anything of the solver's is imported.
        endings = self._endings = RunEndings(config, is_worker=self._is_worker)
        config.pluginmanager.register(endings, "irgate-endings")
        options = run_options_of(config)
        if config.getoption("dist", "no") == "each":
            raise pytest.UsageError(
                "--dist each runs every item in each worker, and a verdict is over one run; "
                "expected another --dist, such as load"
            )
        if worker_input is not None:
            solver, base, xfail, pairs, packs = worker_input[FROM_CONTROLLER]
            options = replace(
                options,
                solver=solver,
                solver_base=Path(base),
                xfail=Path(xfail) if xfail else None,
                run_spec=replace(
                    options.run_spec,
                    pairs=own_pairs(pairs, Path(base)),
                    packs=read_packs([Path(folder) for folder in packs]),
                ),
            )
            config.stash[RUN_OPTIONS] = options
            _share_the_machine(int(worker_input.get("workercount", 1)))
        if worker_input is None:
            if lack := lack_of_run(options.run_spec, options.suites, options.oracle):
                raise pytest.UsageError(lack)
            refuse_unreadable(options.run_spec)
        self._options = options
        self._xfail = ExpectedFailures.read(options.xfail) if options.xfail else None
        self._rows = GatheredRows()
        self._own_tests = OwnTestRows()
        self._report: Report | None = None
        self._files = WrittenFiles(options)
        self._own_ran = False
        # Before a solver is loaded, which may change the folder or what lies in it.
        folder = config.invocation_params.dir
        self._provenance = Provenance() if self._is_worker else Provenance.of(folder)
        self._selection = self._divide_arguments()
        self._modules = frozenset(
            entry.module_id for entry in REGISTRY if entry.name in options.suites
        )
        if options.isolation != "none":
            # A controller too: the solver of a worker is a process of the same user.
            linux.hide_memory()
            config.add_cleanup(linux.show_memory)
        self._judges = self._is_worker or not _distributes(config)
        self._from_fixture = bool(other_definitions(config))
        if not self._from_fixture and (self._judges or options.solver != DEFAULT_SOLVER):
            begin(config)
        if not config.option.collectonly:
            self._files.clear()
        manager = config.pluginmanager
        manager.register(SuiteCollection(options.suites, self._selection), "irgate-collection")
        manager.register(KeepUnderLastFailed(), "irgate-lastfailed")
        manager.register(AlikeFailuresOnce(self._is_item, lambda: self._report), "irgate-alike")

    def _divide_arguments(self) -> Selection:
        """Leave pytest the user's own paths."""
        config = self._config
        args, self._left_out = arguments_of(config)
        own, selection = split_arguments(args, self._options.suites)
        config.args = own
        config.args_source = config.ArgsSource.ARGS
        return selection

    def _is_item(self, nodeid: str) -> bool:
        """Whether a node id is an item's of this run; a user's own folder may be called irgate."""
        return nodeid.partition("::")[0] in self._modules

    # --- before the items run -----------------------------------------------------------------

    def pytest_report_header(self) -> list[str]:
        """Say what will be judged, and how, and what is left out."""
        options = self._options
        limit = "no time limit" if options.timeout is None else f"{options.timeout:g} s a call"
        overrides = other_definitions(self._config)
        solver = f"from the irgate_solver fixture of {', '.join(overrides)}"
        isolation = "none" if overrides else options.isolation
        judged = (
            f"irgate {__version__}: solver {solver if overrides else one_line(options.solver)}, "
            f"suites {', '.join(options.suites)}, oracle {options.oracle}, {limit}, "
            f"isolation {isolation}"
        )
        return [judged, *([f"irgate: {self._left_out}"] if self._left_out else [])]

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell an xdist worker what was named by its path, whatever the worker's folder."""
        options = self._options
        xfail = str(options.xfail.absolute()) if options.xfail else ""
        pairs = [str(pair) for pair in options.run_spec.pairs]
        packs = [str(pack.folder) for pack in options.run_spec.packs]
        told = (options.solver, str(options.solver_base), xfail, pairs, packs)
        node.workerinput[FROM_CONTROLLER] = told

    @pytest.hookimpl(wrapper=True)
    def pytest_collection(self, session: pytest.Session) -> Generator[None, Any, Any]:
        """Refuse what would be an error in every item: a hidden fixture, a SPEC of no solver."""
        self._refuse_hidden_fixture(session)
        if not self._from_fixture and self._options.solver == DEFAULT_SOLVER:
            _refuse_lack_of_torch()
        collected = yield
        if not (self._is_worker or self._from_fixture or self._options.solver == DEFAULT_SOLVER):
            # The solver was loaded meanwhile.
            solver_of(session.config)
            if not self._judges:
                rest(session.config)
        return collected

    @staticmethod
    def _refuse_hidden_fixture(session: pytest.Session) -> None:
        """Refuse an overriding fixture that the suite's items would never see."""
        root = session.config.rootpath
        for plugin in session.config.pluginmanager.get_plugins():
            path = Path(getattr(plugin, "__file__", None) or "")
            overrides = path.name == "conftest.py" and hasattr(plugin, "irgate_solver")
            if overrides and path.parent.resolve() != root.resolve():
                raise pytest.UsageError(
                    f"{path} overrides irgate_solver, but the gate's items stand under the "
                    f"root folder; move the fixture to {root / 'conftest.py'}"
                )

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Refuse a node id that names no item; mark what is expected to fail."""
        if not self._is_worker:
            self._check_collected([item.nodeid for item in items])

        if self._xfail:
            self._xfail.mark(items)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Remember which of the gate's items should report."""
        self._expect(item.nodeid for item in session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: Sequence[str]) -> None:
        """Remember the same under xdist, where only the workers collect."""
        self._check_collected([str(nodeid) for nodeid in ids])
        self._expect(str(nodeid) for nodeid in ids)

    def _check_collected(self, nodeids: Sequence[str]) -> None:
        """Refuse names of nothing, and a suite that was multiplied.

        Under xdist these are the selected items only, so that nothing can be said of a name then
        if something else was deselected.
        """
        narrowed = self._config.option.keyword or self._config.option.markexpr
        for name in self._selection.named or ():
            found = any(Selection((name,)).holds(nodeid) for nodeid in nodeids)
            if not found and not narrowed:
                raise pytest.UsageError(
                    f"not found: {name} (`--collect-only` lists the gate's items)"
                )
        known = self._known()
        for nodeid in nodeids:
            if self._is_item(nodeid) and nodeid not in known:
                raise pytest.UsageError(
                    f"{nodeid} is no item of the gate; a parametrised irgate_solver fixture would "
                    "mix several solvers into one verdict: judge one solver a run"
                )

    def _known(self) -> set[str]:
        """Return the items that the suites of this run have."""
        return {
            item.id
            for suite in suites(self._options.suites)
            for item in suite.items(self._options.run_spec)
        }

    def _expect(self, nodeids: Iterable[str]) -> None:
        self._rows.expect(nodeid for nodeid in nodeids if self._is_item(nodeid))

    # --- while they run -----------------------------------------------------------------------

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Hang the item's row on its report, as builtin types: it may travel between processes."""
        report = yield
        if self._is_item(item.nodeid):
            row = row_of(item, report)
            if row is not None:
                identity = item.stash.get(IDENTITY, None)
                report.irgate = {  # type: ignore[attr-defined]
                    "row": row.to_dict(),
                    "solver": asdict(identity) if identity else None,
                }
                if report.when == "call":
                    # JUnit's file shows them; its properties are the item's.
                    item.user_properties += figures_of(row)
            result = item.stash.get(ITEM_RESULT, None)
            if result and result.detail and report.when == "call":
                report.sections.append(("traceback", result.detail))
            # What a solver prints could clear the screen, and forge a line of the report.
            report.sections = [
                (title, barred(several_lines(text))) for title, text in report.sections
            ]
        else:
            self._own_tests.carry(item, report)
        return report

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_teardown(self, item: pytest.Item, nextitem: pytest.Item | None) -> None:
        """End the solver's process after the last item: who measures coverage gathers it then."""
        if nextitem is None:
            rest(item.config)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Gather rows, on the controller or where there is only one process."""
        if self._is_worker:
            return
        if not self._is_item(str(report.nodeid)):
            self._own_ran = self._own_ran or (report.when == "call" and not report.skipped)
            self._own_tests.take(report)
            return
        self._rows.take(report)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, Any, Any]:
        """Conclude when the last item is done: later hooks are too late for the exit status."""
        result = None
        if not self._is_worker:
            self._endings.guard.rescue = partial(self._report_early, session)
        try:
            result = yield
        except (KeyboardInterrupt, session.Failed, session.Interrupted) as ending:
            self._rows.ended = stopped_by(ending)
            raise
        finally:
            if not self._is_worker and not self._only_looks(session.config):
                self._rows.rescue(session.items)
                self._report = self._conclude()
                if self._report.exit_status not in (0, NOTHING_JUDGED) and not session.testsfailed:
                    session.testsfailed = 1
        return result

    def _report_early(self, session: pytest.Session) -> None:
        """Write the report of a run that C's exit ends. Raises: OutputFileError."""
        self._rows.rescue(session.items)
        report = replace(self._conclude(), exit_status=EXIT_UNCONCLUDED)
        if self._options.json is not None:
            write_report(self._options.json, report.to_json())

    @staticmethod
    def _only_looks(config: pytest.Config) -> bool:
        """Whether no item was to run at all."""
        option = config.option
        return bool(
            option.collectonly
            or getattr(option, "setuponly", False)
            or getattr(option, "setupplan", False)
        )

    def _conclude(self) -> Report:
        named = {nodeid for nodeid in self._known() if self._selection.holds(nodeid)}
        return conclude(
            self._rows.complete(),
            self._rows.identity(self._options.solver),
            self._options.run_spec,
            suites=self._options.suites,
            provenance=self._provenance,
            strict=self._options.strict,
            # Who names paths of his own alone asks for no verdict.
            require_verdict=self._options.require_verdict and self._selection.named != (),
            deselected=len(named.difference(self._rows.expected)),
            own_tests=self._own_tests.complete(),
        )

    # --- after them ---------------------------------------------------------------------------

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Write the files that were asked for; the JSON report has pytest's exit status."""
        if self._report is None:
            return
        status = int(exitstatus) or self._report.exit_status
        if status == NOTHING_JUDGED and self._own_ran:
            status = int(exitstatus)
        self._report = self._files.write(replace(self._report, exit_status=status))
        if not session.exitstatus:
            session.exitstatus = self._report.exit_status

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter
    ) -> Generator[None, None, None]:
        """Print the report after everything else, so that the verdict is what one reads last."""
        yield
        if self._report is not None:
            if self._options.github is not None:
                # GitHub takes a line for a command wherever it stands.
                for line in github_summary.written(self._options.github, self._report):
                    terminalreporter.write_line(line)
            last = self._report.last()
            if self._files.troubles:
                last = failed_for(last, self._files.troubles[0])
            written = self._files.written
            terminal.show(terminalreporter, self._report, written, self._notices(), last)

    def _notices(self) -> list[str]:
        """Return what a person should mend, besides the solver."""
        stale = self._xfail.stale(self._options.run_spec) if self._xfail else []
        notices = [
            f"{self._options.xfail}: no item {nodeid}; take the line out" for nodeid in stale
        ]
        if self._options.write_xfail is not None and not self._files.troubles:
            rows = () if self._report is None else self._report.rows
            lost = sum(row.status == "missing" for row in rows)
            beside = f"; {lost} items did not run: no line is about them" if lost else ""
            notices.append(f"today's failures: {self._options.write_xfail}{beside}")
        return [*notices, *self._files.troubles]


def _refuse_lack_of_torch() -> None:
    """Refuse a run that names no solver where the default one cannot be had."""
    if not is_installed("torch"):
        raise pytest.UsageError(
            "no solver is named, and the bundled one needs torch, which is not installed; name "
            f"one with --irgate-solver, or {how_to_get('torch')}"
        )


def _distributes(config: pytest.Config) -> bool:
    """Whether xdist's workers judge, and not this process."""
    option = config.option
    return getattr(option, "dist", "no") != "no" and bool(getattr(option, "tx", None))


def _share_the_machine(workers: int) -> None:
    """Give each worker's libraries their share of the cores, where the user has not said.

    torch and SimpleITK each take all of them otherwise, and threads that wait for each other on a
    busy machine take a hundred times as long. Both read the environment when they are imported.
    """
    threads = str(max(1, (os.cpu_count() or 1) // workers))
    for name in ("OMP_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"):
        os.environ.setdefault(name, threads)
