"""A real Blender in a process of its own, for what only it writes and reads well: FBX.

`dimo setup blender` makes one (the package bpy in an environment of its own, since it asks for other versions than ours).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from dimo.errors import FormatError, RequestError

VARIABLE = "DIMO_BLENDER"
"""Names a Blender, or a Python that has bpy, before all others."""

MISSING = (
    "FBX goes through Blender, and none is found: `dimo setup blender` gets one (about 850 MB), or set "
    f"{VARIABLE} to a blender or to a Python with bpy; GLB and BVH need none"
)
SCRIPT = Path(__file__).with_name("blender_script.py")
BACKGROUND = ("--background", "--factory-startup", "--python-exit-code", "1")
PLACES = ("/Applications/Blender.app/Contents/MacOS/Blender", "/snap/bin/blender")
LONGEST_S = 600


def home() -> Path:
    """Where `dimo setup blender` puts its environment."""
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "dimo" / "blender"


def python_in(environment: Path) -> Path:
    """The Python of a virtual environment."""
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


@dataclass(frozen=True)
class Blender:
    """A program that runs scripts with bpy: Blender itself, or a Python that has it as a package."""

    program: Path

    @property
    def is_python(self) -> bool:
        return self.program.name.lower().startswith("python")

    def run(self, *arguments: str) -> str:
        """What the script of this package prints for these arguments; FormatError with Blender's last line if it fails."""
        script = (
            [str(SCRIPT)]
            if self.is_python
            else ["--background", "--factory-startup", "--python-exit-code", "1", "--python", str(SCRIPT), "--"]
        )
        # Variables of our own Python would send Blender's to packages that do not fit it.
        env = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        try:
            done = subprocess.run(
                [str(self.program), *script, *arguments], capture_output=True, text=True, timeout=LONGEST_S, env=env
            )
        except subprocess.TimeoutExpired:
            raise FormatError(f"Blender did not end within {LONGEST_S} s", path=arguments[-1]) from None
        except OSError as error:
            raise RequestError(f"{self.program} does not run as Blender ({error.strerror or error})") from None
        if done.returncode:
            raise FormatError(f"Blender failed: {_reason(done.stdout + done.stderr)}", path=arguments[-1])
        return done.stdout

    def version(self) -> str:
        """Its version, such as 5.0.1; empty where it does not run."""
        try:
            out = self.run("version")
        except (FormatError, RequestError):
            return ""
        return next((line.partition(" ")[2] for line in out.splitlines() if line.startswith("dimo-version ")), "")


def _reason(said: str) -> str:
    """Of all that a program said before it failed, the last line about an error, or the last line."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return re.sub(r"^(\w+Error: )+", "", (errors or lines or ["it said nothing"])[-1])[:200]


def find() -> Blender | None:
    """The Blender that is used, None where there is none."""
    if given := os.environ.get(VARIABLE):
        program = shutil.which(given)
        if program is None:
            raise RequestError(f"{VARIABLE} names {given}, which is no program")
        return Blender(Path(program))
    if python_in(home()).exists():
        return Blender(python_in(home()))
    if program := shutil.which("blender"):
        return Blender(Path(program))
    return next((Blender(Path(p)) for p in PLACES if Path(p).exists()), None)


def required() -> Blender:
    """As find; RequestError says how to get one."""
    blender = find()
    if blender is None:
        raise RequestError(MISSING)
    return blender


def whole_rate(fps: float) -> float:
    """The rate at which files pass to Blender, whose frames have whole rates; the true one is told beside it."""
    return float(max(1, round(fps)))


def to_fbx(glb: Path, fbx: Path, fps: float) -> None:
    """Convert a GLB file at whole_rate(fps) to FBX at the rate fps."""
    required().run("to_fbx", repr(fps), str(glb.resolve()), str(fbx.resolve()))
    if not fbx.stat().st_size:
        raise FormatError("Blender wrote nothing", path=fbx)


def from_fbx(fbx: Path, folder: Path) -> tuple[Path, float]:
    """Convert an FBX file to a GLB file in a folder; and by what its rate has to be multiplied."""
    glb = folder / f"{fbx.stem}.glb"
    said = required().run("from_fbx", str(glb.resolve()), str(fbx.resolve()))
    rates = next((line.split()[1:] for line in said.splitlines() if line.startswith("dimo-fps ")), None)
    if not glb.is_file() or rates is None:
        raise FormatError("Blender made nothing of it", path=fbx)
    return glb, float(rates[1]) / float(rates[0])


def scratch() -> tempfile.TemporaryDirectory[str]:
    """A folder for what passes between the two programs."""
    return tempfile.TemporaryDirectory(prefix="dimo_")
