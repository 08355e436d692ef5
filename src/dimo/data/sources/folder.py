"""Any folder of BVH or AMC files, with captions in one captions.jsonl or in a .txt beside each file."""

from __future__ import annotations

from pathlib import Path

from dimo.data.records import Job
from dimo.data.sources.pack import rows

SUFFIXES = (".bvh", ".amc")


def jobs(folder: Path) -> list[Job]:
    """One job per motion file, in order of path. A .txt holds one caption a line; lines may end in HumanML3D's #... parts."""
    table: dict[str, tuple[str, ...]] = {}
    extra: dict[str, dict] = {}
    if (folder / "captions.jsonl").is_file():
        for row in rows(folder / "captions.jsonl", ("id",)):
            found = row.get("captions", row.get("caption", []))
            table[str(row["id"])] = (found,) if isinstance(found, str) else tuple(map(str, found))
            extra[str(row["id"])] = row
    out = []
    for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES):
        name = str(path.relative_to(folder).with_suffix(""))
        captions = table.get(name) or table.get(path.stem) or _beside(path)
        row = extra.get(name) or extra.get(path.stem) or {}
        fps = row.get("fps")
        out.append(
            Job(
                id=name.replace("/", "_"),
                path=path,
                captions=captions,
                fps=float(fps) if isinstance(fps, int | float) else None,
                split=str(row.get("split", "")),
                recording=str(row.get("recording", name)),
                source=str(row.get("source", folder.name)),
                licence=str(row.get("licence", "")),
                label=str(row.get("label", captions[0] if captions else "")),
            )
        )
    return out


def _beside(path: Path) -> tuple[str, ...]:
    text = path.with_suffix(".txt")
    if not text.is_file():
        return ()
    lines = text.read_text(encoding="utf-8", errors="replace").splitlines()
    return tuple(line.split("#")[0].strip() for line in lines if line.split("#")[0].strip())
