"""What was asked for: everything that decides which items a complete run has."""

from dataclasses import dataclass

from irgate_battery.cases.battery_table import DEFAULT_COUNT, DEFAULT_SEED
from irgate_battery.cases.own_pairs import OwnPair
from irgate_battery.cases.packs import Pack


@dataclass(frozen=True)
class RunSpec:
    """What a run is about.

    Attributes:
        seed: what the battery and the fuzz suite are drawn with.
        count: how many battery cases.
        pairs: a user's own.
        examples: how many problems the fuzz suite draws for each property; 0 leaves it out.
        packs: folders of cases with a truth.
    """

    seed: int = DEFAULT_SEED
    count: int = DEFAULT_COUNT
    pairs: tuple[OwnPair, ...] = ()
    examples: int = 0
    packs: tuple[Pack, ...] = ()
