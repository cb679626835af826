"""Suite `fuzz`: properties that registration has on every pair, asked of drawn ones."""

from irgate_battery.cases.run_spec import RunSpec
from irgate_battery.interface.protocol import Solver
from irgate_battery.results.result_row import ResultRow
from irgate_battery.suites.evaluation import Draft, ItemFailed, NotAsked
from irgate_battery.suites.properties import PROPERTIES, Property, falsify, models_of
from irgate_battery.suites.suite import EvaluationSetup, Item, Suite


class FuzzSuite(Suite[Property]):
    """The fuzz suite."""

    heading = "drawn pairs; only under pytest, with --irgate-fuzz N"
    function = "test_property"
    is_drawn = True

    def items(self, spec: RunSpec) -> tuple[Item[Property], ...]:
        """Return the properties."""
        return tuple(self._item(prop.name, prop, purpose=prop.about) for prop in PROPERTIES)

    def is_asked_for(self, spec: RunSpec) -> bool:
        """To give a number of examples is to ask for it."""
        return spec.examples > 0

    def fill(
        self, draft: Draft, item: Item[Property], solver: Solver, setup: EvaluationSetup
    ) -> ResultRow:
        """No drawn problem breaks the property; one that does is shrunk and can be replayed."""
        prop = item.subject
        lacking = [name for name in prop.needs if name not in solver.accepts]
        if lacking:
            raise NotAsked(f"solver {solver.name!r} takes no {lacking[0]}")
        if not models_of(prop, solver):
            raise NotAsked(f"solver {solver.name!r} has none of the models {list(prop.models)}")
        spec = setup.spec
        broken = falsify(prop, solver, spec.examples, spec.seed, setup.timeout)
        if broken is None:
            return draft.row
        problem, error = broken
        raise ItemFailed(
            f"{prop.about}: {error}; smallest found: {problem!r}. Replay: {setup.replay(item.id)}",
            detail=getattr(error, "detail", ""),
        )


SUITE = FuzzSuite
"""What the registry loads."""
