"""Build the solver's compiled kernel where there is a C compiler; without one the wheel is pure.

The kernel is an addition (`solver/irgate_solver/_native.py`), so whatever keeps it from being built
stops nothing. Flags matter to its answers: without contraction a sum has the same bits everywhere.
"""

import hashlib
import os
import shlex
import shutil
import subprocess
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from packaging.tags import sys_tags

SOURCE = Path("solver/irgate_solver/_look.c")
LIBRARIES: dict[str, tuple[str, ...]] = {
    "libirgate_look.so": (),
    "libirgate_look_avx2.so": ("-mavx2",),
}
"""What is built of it, with which further flags; the second where that is a processor's."""
FLAGS = ("-std=c11", "-O3", "-fPIC", "-shared", "-ffp-contract=off")
QUICKER = ("-fno-math-errno", "-fno-trapping-math")
"""These change no value, only what the compiler may assume about errno and traps."""


def compilers() -> list[list[str]]:
    """Return the commands that may be a C compiler, likeliest first."""
    named = (os.environ.get("CC"), sysconfig.get_config_var("CC"), "cc", "gcc", "clang")
    commands = [shlex.split(command) for command in named if command]
    return [command for command in commands if command and shutil.which(command[0])]


def build(source: Path, folder: Path) -> list[Path]:
    """Compile `source` into `folder`; return the libraries that came of it, the plain one first."""
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    defined = f'-DSOURCE_DIGEST="{digest}"'
    for command in compilers():
        made = []
        for name, flags in LIBRARIES.items():
            library = folder / name
            library.unlink(missing_ok=True)
            line = [*command, *FLAGS, *QUICKER, *flags, defined, "-o", library, source, "-lm"]
            if subprocess.run(line, capture_output=True, check=False).returncode == 0:
                made.append(library)
        if made and made[0].name == next(iter(LIBRARIES)):
            return made
    return []


class Kernel(BuildHookInterface):  # type: ignore[type-arg]
    """Puts the kernel into a wheel, or for an editable install beside its source."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build it, and say in the wheel's tag what it runs on."""
        source = Path(self.root) / SOURCE
        # Turned off by the variable that turns it off at run time: a wheel for everybody is pure.
        if os.name != "posix" or os.environ.get("IRGATE_KERNEL") == "0":
            return
        if version == "editable":
            build(source, source.parent)
            return
        self.folder = tempfile.TemporaryDirectory()
        libraries = build(source, Path(self.folder.name))
        for library in libraries:
            build_data["force_include"][str(library)] = f"{SOURCE.parent.name}/{library.name}"
        if libraries:
            build_data["pure_python"] = False
            build_data["tag"] = f"py3-none-{platform()}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what was built for the wheel."""
        if hasattr(self, "folder"):
            self.folder.cleanup()


def platform() -> str:
    """Return this machine's tag: none that promises to run on older systems than this one."""
    names = (tag.platform for tag in sys_tags())
    return next(name for name in names if "manylinux" not in name and "musllinux" not in name)
