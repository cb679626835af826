"""Who was judged: what a solver was named by, and what it says of itself."""

from dataclasses import asdict, dataclass

from irgate_battery.interface.outside_text import one_line


@dataclass(frozen=True)
class SolverIdentity:
    """Who was judged.

    Attributes:
        spec: how it was named, `"bundled"`, `"path.py:name"`; `None` for an object.
        name, version: what it says of itself; `None` where nothing was called.
        isolation: where it lived, `"process"` its own or `"none"`; `None` where nothing was called.

    Texts are made printable.

    """

    spec: str | None
    name: str | None
    version: str | None
    isolation: str | None = None

    def __post_init__(self) -> None:
        for name, said in asdict(self).items():
            if said is not None:
                object.__setattr__(self, name, one_line(said))

    def __str__(self) -> str:
        said = " ".join(part for part in (self.name, self.version) if part)
        if self.spec in (None, self.name):
            return said or "unknown"
        return f"{self.spec} ({said})" if said else str(self.spec)
