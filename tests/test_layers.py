"""Imports go down the list of folders only, and folders on one level do not know each other."""

import ast
import re
from pathlib import Path

import pytest

import dimo

SOURCE = Path(dimo.__file__).parent

LEVELS = [
    {"errors"},
    {"body", "text"},
    {"formats", "features"},
    {"sequence", "checkpoint", "device", "scale"},
    {"codec", "model", "diffusion", "data"},
    {"memory", "metrics", "evaluators"},
    {"inpaint"},
    {"tasks", "loading"},
    {"api"},
    {"evaluate", "learn", "batch"},
    {"ablate", "view"},
    {"serve", "cli"},
    {"__main__"},  # python -m dimo: only calls the command line
]
LEVEL = {room: level for level, rooms in enumerate(LEVELS) for room in rooms}

# Imports between rooms of one level that are meant: each with its reason.
ALLOWED = {
    # A HumanML3D feature file becomes a Motion by the decoder of the features.
    ("formats/table.py", "features"),
    # The verb that starts the server, as others of cli/ call their rooms.
    ("cli/serve.py", "serve"),
    ("cli/mcp.py", "serve"),
    # A Motion shows itself in notebooks, and saves its pictures; both are imported when asked for.
    ("__init__.py", "view"),
}

# The face of the package. It shows names of api and below, and only the top level may look at it.
FACE = "__init__.py"


def imported_modules(tree: ast.AST, package: str) -> set[tuple[int, str]]:
    """(line, dotted module) of every import in tree at any depth, relative ones resolved against package."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {(node.lineno, alias.name) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")
            base = ".".join(parts[: len(parts) - node.level + 1]) if node.level else ""
            module = ".".join(p for p in (base, node.module) if p)
            # `from dimo import api` imports the module dimo.api, `from dimo.api import DiMo` a name in it.
            found |= {(node.lineno, f"{module}.{alias.name}" if module == "dimo" else module) for alias in node.names}
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in ("import_module", "__import__") and isinstance(node.args[0].value, str):
                found.add((node.lineno, node.args[0].value))
    return found


def violations(source: Path) -> list[str]:
    """One sentence for each import under source that goes up, sideways, or out of the map."""
    faults = []
    for path in sorted(source.rglob("*.py")):
        place = path.relative_to(source)
        room = place.parts[0].removesuffix(".py")
        own = LEVEL["api"] if str(place) == FACE else LEVEL.get(room)
        if own is None:
            faults.append(f"{place}: {room} has no level; give it one in tests/test_layers.py")
            continue
        package = ".".join(["dimo", *place.parent.parts])
        for line, module in sorted(imported_modules(ast.parse(path.read_text()), package)):
            words = module.split(".")
            if words[0] != "dimo":
                continue
            target = words[1] if len(words) > 1 else ""
            if target not in LEVEL:  # `import dimo`, `from dimo import Motion`
                if own < LEVEL["cli"] and str(place) != FACE:
                    faults.append(f"{place}:{line}: only the top level may import from the package's face ({module})")
                continue
            level = LEVEL[target]
            if str(place) == FACE:
                if level > own and (FACE, target) not in ALLOWED:
                    faults.append(f"{place}:{line}: the face imports {target}, which is above it")
            elif level > own:
                faults.append(
                    f"{place}:{line}: {room} (level {own}) imports {target} (level {level}), which is above it"
                )
            elif level == own and target != room and (place.as_posix(), target) not in ALLOWED:
                faults.append(f"{place}:{line}: {room} imports {target}, its sibling on level {own}")
    return faults


def test_imports_go_down_only():
    assert violations(SOURCE) == []


def test_the_map_in_the_docs_is_this_one():
    page = (Path(__file__).parents[1] / "docs" / "how-it-works.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| ([\w, ]+) \|", page, re.MULTILINE)
    told = {int(level): set(rooms.split(", ")) for level, rooms in rows}
    there = [{r for r in rooms if (SOURCE / r).is_dir() or (SOURCE / f"{r}.py").is_file()} for rooms in LEVELS[:-1]]
    assert told == dict(enumerate(there))


def test_every_allowed_exception_is_in_use():
    for place, target in ALLOWED:
        path = SOURCE / place
        if path.exists():
            modules = {m for _, m in imported_modules(ast.parse(path.read_text()), "dimo." + place.split("/")[0])}
            assert any(m.startswith(f"dimo.{target}") for m in modules), f"{place} does not need {target} any more"


@pytest.mark.parametrize(
    ("place", "code", "words"),
    [
        ("body/motion.py", "from dimo.formats.table import load", "body (level 1) imports formats (level 2)"),
        ("body/motion.py", "def f():\n    import dimo.api", "body (level 1) imports api (level 8)"),
        ("body/motion.py", "from ..formats import table", "imports formats"),
        ("body/motion.py", "from dimo import api", "imports api"),
        ("body/motion.py", "from dimo import Motion", "package's face"),
        ("body/motion.py", "from importlib import import_module\nimport_module('dimo.learn.loop')", "imports learn"),
        ("body/motion.py", "if True:\n    from dimo.text.wordpiece import x", "its sibling on level 1"),
        ("codec/codec.py", "from dimo.model.masked import MaskedModel", "its sibling on level 4"),
        ("formats/bvh.py", "from dimo.features import humanml3d", "its sibling on level 2"),
        ("cli/main.py", "from dimo.serve import http", "its sibling on level 11"),
        ("errors.py", "from dimo.body import rotation", "errors (level 0) imports body"),
        ("__init__.py", "from dimo.cli.main import entry", "above it"),
        ("toys/car.py", "import dimo.errors", "toys has no level"),
    ],
)
def test_wrong_imports_are_caught(tmp_path, place, code, words):
    path = tmp_path / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(code + "\n")
    (fault,) = violations(tmp_path)
    assert words in fault
    assert place in fault


@pytest.mark.parametrize(
    ("place", "code"),
    [
        ("body/motion.py", "from dimo.body import kinematics\nfrom dimo.errors import ShapeError\nimport numpy"),
        ("body/motion.py", "from . import kinematics\nfrom .rotation import slerp\nfrom ..errors import ShapeError"),
        ("cli/main.py", "from dimo import __version__\nfrom dimo.api import DiMo\nfrom dimo.cli import output"),
        ("formats/table.py", "from dimo.features import humanml3d"),
        ("__init__.py", "from dimo.api import DiMo"),
    ],
)
def test_right_imports_pass(tmp_path, place, code):
    path = tmp_path / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(code + "\n")
    assert violations(tmp_path) == []
