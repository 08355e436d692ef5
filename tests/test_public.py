"""What `import dimo` shows, and what it does not load."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import dimo
from dimo.cli import main as cli

ROOT = Path(__file__).parents[1]
VERBS = [
    "generate",
    "caption",
    "correct",
    "search",
    "rank",
    "edit",
    "inbetween",
    "compose",
    "sample",
    "batch",
    "convert",
    "show",
    "draw",
    "prepare",
    "train",
    "evaluate",
    "ablate",
    "compare",
    "study",
    "serve",
    "mcp",
    "doctor",
    "setup",
]
HEAVY = {"torch", "scipy", "pyarrow", "pygltflib", "tokenizers", "PIL", "rich", "transformers", "imageio_ffmpeg"}


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)


def test_public_names():
    assert dimo.__all__ == [
        "DiMo",
        "DimoError",
        "FormatError",
        "Motion",
        "RequestError",
        "SampleOptions",
        "ShapeError",
        "Skeleton",
        "WeightsError",
        "__version__",
        "preset",
        "preset_names",
    ]
    for name in dimo.__all__:
        assert getattr(dimo, name) is not None
    assert dir(dimo) == dimo.__all__


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Dimo'"):
        _ = dimo.Dimo


def test_version_is_that_of_the_project():
    assert dimo.__version__ == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def test_import_is_light_and_silent():
    done = run_python(f"import dimo, sys\nheavy = {HEAVY} & set(sys.modules)\nassert not heavy, heavy")
    assert (done.stdout, done.stderr) == ("", "")


@pytest.mark.parametrize("argv", [["--help"], ["--version"], *([verb, "--help"] for verb in VERBS)])
def test_help_does_not_import_heavy_packages(argv):
    done = run_python(
        f"import sys\nfrom dimo.cli.main import main\nassert main({argv!r}) == 0\n"
        f"heavy = {HEAVY} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    assert done.stderr == ""
    assert done.stdout.startswith("usage: dimo" if argv != ["--version"] else f"dimo {dimo.__version__}")


def test_help_lists_every_verb(capsys):
    assert cli.main(["--help"]) == 0
    text = capsys.readouterr().out
    assert list(cli.VERBS) == VERBS
    for verb in VERBS:
        assert verb in text
