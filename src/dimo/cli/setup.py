"""`dimo setup blender`: gets a Blender for FBX, as the package bpy in an environment of its own, apart from dimo's."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys

from dimo.cli.progress import waiting
from dimo.errors import RequestError
from dimo.formats import blender


def add_parser(verbs: argparse._SubParsersAction) -> None:
    parser = verbs.add_parser("setup", help="get what dimo can use beside itself", description=__doc__)
    parser.add_argument("what", choices=("blender",), help="what to get: blender, for FBX (850 MB on the disk)")
    parser.add_argument(
        "--python",
        metavar="PROGRAM",
        default=sys.executable,
        help="a Python of the version that bpy is made for, 3.11 for Blender 4.2 to 5.0 (default: the one that runs dimo)",
    )


def run(args: argparse.Namespace) -> int:
    python = shutil.which(args.python)
    if python is None:
        raise RequestError(f"--python: there is no program {args.python}")
    home = blender.home()
    found = blender.Blender(blender.python_in(home)).version() if blender.python_in(home).exists() else ""
    if not found:
        shutil.rmtree(home, ignore_errors=True)
        home.parent.mkdir(parents=True, exist_ok=True)
        with waiting("getting Blender (370 MB)"):
            for step in (
                [python, "-m", "venv", str(home)],
                [str(blender.python_in(home)), "-m", "pip", "install", "bpy"],
            ):
                _step(step, args.python)
        found = blender.Blender(blender.python_in(home)).version()
        if not found:
            raise RequestError(f"{home}: bpy was installed, but does not run; a Blender of your own serves as well")
    print(f"Blender {found} in {home}")
    return 0


def _step(command: list[str], python: str) -> None:
    """Run a step; RequestError with the last line it said, after what it made has been removed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        shutil.rmtree(blender.home(), ignore_errors=True)
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        why = lines[-1].strip()[:200] if lines else "it said nothing"
        raise RequestError(
            f"Blender was not installed with {python} ({why}); bpy is made for one version of Python each, so name another "
            "with --python, or install Blender itself"
        )
