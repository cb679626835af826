"""What a suite is: items, how one is evaluated, the verdicts over them, what reports show."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from irgate_battery.cases.catalogue import Case
from irgate_battery.cases.run_spec import RunSpec
from irgate_battery.interface.protocol import DEFAULT_TIMEOUT, Solver
from irgate_battery.oracle.store import OracleStore
from irgate_battery.results.compared import Compared, SavedVerdicts
from irgate_battery.results.result_row import ResultRow
from irgate_battery.results.suite_results import SuiteResults
from irgate_battery.results.text import Line, counts
from irgate_battery.results.verdict import Verdict
from irgate_battery.suites.evaluation import Draft, ItemResult, guarded

if TYPE_CHECKING:
    from irgate_battery.suites.registry import SuiteEntry

Subject = TypeVar("Subject")


@dataclass(frozen=True)
class Item(Generic[Subject]):
    """One item of a suite.

    Attributes:
        id: the node id that pytest gives it, `irgate/base.py::test_case[brain_mri_real]`.
        suite: the suite's name.
        case: its name within the suite.
        subject: what the suite evaluates: a case, a check, a pair, ...
        model, intensity: what the solver is told; `None` where that depends on the solver.
        purpose: the faults that it is there to show, in one line.
        pictured: the case whose images it uses, or `None`.

    """

    id: str
    suite: str
    case: str
    subject: Subject
    model: str | None = None
    intensity: str | None = None
    purpose: str = ""
    pictured: Case | None = None


def _no_replay(node_id: str) -> str:
    return f"run {node_id} again"


@dataclass(frozen=True)
class EvaluationSetup:
    """What an evaluation needs besides the item and the solver.

    Attributes:
        store: brings the oracle's result.
        timeout: seconds for one call of the solver; `None` for no limit.
        spec: what was asked for.
        replay: returns the command that runs an item of this node id again.

    """

    store: OracleStore
    timeout: float | None = DEFAULT_TIMEOUT
    spec: RunSpec = field(default_factory=RunSpec)
    replay: Callable[[str], str] = _no_replay


class Suite(ABC, Generic[Subject]):
    """One suite. Each stands in a file of its own, and only the registry names it.

    Attributes:
        heading: what `irgate list` says of it.
        function: the name of its test function; `None` where each item is a function of its own.
        verdict_types: the kinds of its verdicts, in the order of the report.
        one_call: whether an item is one call of the solver, so that its time is the solver's.
        has_truth: whether its rows hold a distance to a known truth.
        is_drawn: whether its images depend on the seed.
        own_data: whether its cases are the user's: they are judged beside the gate.
        unpictured: why no item of it can be drawn, or `None`.

    """

    heading: ClassVar[str]
    function: ClassVar[str | None] = "test_case"
    verdict_types: ClassVar[tuple[type[Verdict], ...]] = ()
    one_call: ClassVar[bool] = False
    has_truth: ClassVar[bool] = False
    is_drawn: ClassVar[bool] = False
    own_data: ClassVar[bool] = False
    unpictured: ClassVar[str | None] = None

    def __init__(self, entry: SuiteEntry) -> None:
        self.entry = entry

    @property
    def name(self) -> str:
        """Its name, that of the registry."""
        return self.entry.name

    def node_id(self, case: str) -> str:
        """Return the node id of an item."""
        item = f"test_{case}" if self.function is None else f"{self.function}[{case}]"
        return f"{self.entry.module_id}::{item}"

    # --- what it asks -------------------------------------------------------------------------

    @abstractmethod
    def items(self, spec: RunSpec) -> tuple[Item[Subject], ...]:
        """Return the items of a complete run."""

    def is_asked_for(self, spec: RunSpec) -> bool:
        """Whether something was given that asks for it, though no list of suites names it."""
        return False

    def evaluate(self, item: Item[Subject], solver: Solver, setup: EvaluationSetup) -> ItemResult:
        """Let a solver take an item, and judge it; whatever goes wrong becomes a row."""
        draft = Draft(ResultRow(item.id, self.name, item.case, item.model))
        return guarded(lambda: self.fill(draft, item, solver, setup), draft, timed=self.one_call)

    @abstractmethod
    def fill(
        self, draft: Draft, item: Item[Subject], solver: Solver, setup: EvaluationSetup
    ) -> ResultRow:
        """Measure an item into its draft; return the row that it ends with."""

    # --- what follows from it -----------------------------------------------------------------

    def verdicts(self, results: SuiteResults) -> tuple[Verdict, ...]:
        """Return what the rows say together."""
        return ()

    def section(self, rows: Sequence[ResultRow], width: int) -> Iterable[Line]:
        """Return its section of the text report, without the empty line after it."""
        return counts(self.name, rows, width)

    def compared(self, rows: Sequence[ResultRow], verdicts: SavedVerdicts) -> tuple[Compared, ...]:
        """Return what is shown of a run beside others, besides how many items passed."""
        return ()

    def chosen_count(self, verdicts: SavedVerdicts) -> int | None:
        """Return how many cases a saved run asked for, where the user chooses; else `None`."""
        return None

    def family_of(self, row: ResultRow) -> str | None:
        """Return the name of the perturbation that a row is about, or `None`."""
        return None

    def _item(
        self,
        case: str,
        subject: Subject,
        *,
        model: str | None = None,
        intensity: str | None = None,
        purpose: str = "",
        pictured: Case | None = None,
    ) -> Item[Subject]:
        return Item(
            self.node_id(case), self.name, case, subject, model, intensity, purpose, pictured
        )
