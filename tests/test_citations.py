"""Comments cite papers and pages of this repository, never a document that a reader cannot open."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HOW = "docs/how-it-works.md"
READ = {".py", ".md", ".toml", ".html", ".mjs", ".txt"}
OUTSIDE = re.compile(r"\bmethod(?:\.md|,? (?:section )?\d)|\bDESIGN\b|\bfindings\.md\b|\bfinding [A-Z]\d", re.ASCII)
SECTION = re.compile(re.escape(HOW) + r",\s+([A-Z][\w -]*\w)")
ANCHOR = re.compile(r"how-it-works\.md#([\w-]+)")

# Files that still cite one. The list may only shrink: a file that no longer does has to leave it.
KNOWN: set[str] = set()


def files() -> list[Path]:
    """What people write and read, without data and this test."""
    folders = (ROOT / name for name in ("src", "tests", "benchmarks", "recipes", "docs", "examples"))
    found = [p for folder in folders for p in sorted(folder.rglob("*")) if p.suffix in READ and p.is_file()]
    return [p for p in found if p != Path(__file__)] + sorted(ROOT.glob("*.md"))


def headings() -> list[str]:
    return re.findall(r"^## \d+ (.+)$", (ROOT / HOW).read_text(encoding="utf-8"), re.MULTILINE)


def text_of(path: Path) -> str:
    """A file's text; a comment that goes on in the next line reads as one sentence."""
    return re.sub(r"\n\s*#?\s*", " ", path.read_text(encoding="utf-8"))


def test_nothing_cites_a_document_outside_of_the_repository():
    citing = {path.relative_to(ROOT).as_posix() for path in files() if OUTSIDE.search(text_of(path))}
    assert citing == KNOWN


@pytest.mark.parametrize(
    "text",
    [
        "masks (method 4.1)",
        "as in method\n    4.7",
        "# (DESIGN section 4)",
        "see method.md",
        "findings.md, H8",
        "(method, section 2)",
    ],
)
def test_what_counts_as_outside(text, tmp_path):
    path = tmp_path / "a.py"
    path.write_text(text)
    assert OUTSIDE.search(text_of(path))


@pytest.mark.parametrize(
    "text", ["a method of 3 steps", "the methods 1 and 2", "methodical 4", "a design", "REDESIGNED"]
)
def test_what_does_not(text):
    assert not OUTSIDE.search(text)


def test_cited_sections_exist():
    cited = [(path, name) for path in files() for name in SECTION.findall(text_of(path))]
    assert len({name for _, name in cited}) > 3
    for path, name in cited:
        assert any(name == h or name.startswith(h + " ") for h in headings()), f"{path.relative_to(ROOT)}: {name}"


def test_linked_sections_exist():
    anchors = {f"{number}-{name.lower().replace(' ', '-')}" for number, name in enumerate(headings(), start=1)}
    linked = [(path, name) for path in files() for name in ANCHOR.findall(path.read_text(encoding="utf-8"))]
    assert linked
    for path, name in linked:
        assert name in anchors, f"{path.relative_to(ROOT)}: #{name}"
