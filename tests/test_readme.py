"""What the README and the pages say is true: Python blocks run, commands parse, links lead somewhere."""

import re
import shlex
from pathlib import Path

import pytest

from dimo.cli.main import build_parser

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"```(\w*)\n(.*?)```", re.DOTALL)


def commands(page: Path) -> list[str]:
    """Lines of plain code blocks that call dimo."""
    blocks = (body for kind, body in BLOCK.findall(page.read_text(encoding="utf-8")) if kind in ("", "sh", "bash"))
    joined = "\n".join(blocks).replace("\\\n", " ")
    return [line.strip() for line in joined.splitlines() if line.strip().startswith("dimo ")]


def test_the_readme_has_commands_and_python():
    assert len(commands(PAGES[0])) > 10
    assert any(kind == "python" for kind, _ in BLOCK.findall(PAGES[0].read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("page", "line"), [(p.relative_to(ROOT), c) for p in PAGES for c in commands(p) if "VERB" not in c]
)
def test_commands_parse(page, line):
    words = shlex.split(re.sub(r"\[[^\]]*\]", "", line), comments=True)[1:]  # without what [may be left out]
    build_parser(words).parse_args(words)


def test_the_python_of_the_readme_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for kind, body in BLOCK.findall(PAGES[0].read_text(encoding="utf-8")):
        if kind == "python":
            exec(compile(body, "README.md", "exec"), {"__name__": "readme"})
    printed = capsys.readouterr().out.splitlines()
    assert (tmp_path / "walk.glb").stat().st_size > 10_000
    assert "True (120, 22, 3)" in printed
    assert "(80, 22, 3)" in printed


@pytest.mark.parametrize("page", [p.relative_to(ROOT) for p in PAGES])
def test_links_lead_somewhere(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if "://" not in target:
            assert ((ROOT / page).parent / target).exists(), target
