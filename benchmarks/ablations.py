"""Take the table of a run of ablations over, and write its tables and curves into docs/ablations.md.

    python benchmarks/ablations.py [--run runs/ablations]

With --run the folder's table.json, as dimo ablate keeps it, becomes benchmarks/ablations.json; without it the page is made from
that file as it is. Of a group that no row of is done there is no table.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from tables import STYLE

from dimo.ablate import table
from dimo.evaluate.tables import in_markdown, put
from dimo.view.curves import curve

HERE = Path(__file__).parent
JSON, PAGE = HERE / "ablations.json", HERE.parent / "docs/ablations.md"
PICTURES = PAGE.parent / "ablations"
CURVES = {"levels": "levels", "guidance": "guidance", "rounds": "rounds"}
"""Groups whose rows are numbers, and what these are."""
DRAWN = (("fid", "FID"), ("r3", "R@3"), ("cider", "CIDEr"), ("codec_mm", "codec MPJPE, mm"))
PART = 310  # pixels of a curve


def done(data: Mapping[str, Any]) -> dict[str, Any]:
    """The same with those groups alone of which a row is done."""
    groups = {row["group"] for row in data["rows"] if row["seeds"]}
    return {**data, "rows": [row for row in data["rows"] if row["group"] in groups]}


def tables(data: Mapping[str, Any]) -> str:
    """The tables of all groups that have numbers, each with its curves."""
    kept = done(data)
    if not kept["rows"]:
        return "No row has been run yet."
    there = kept["conditions"]
    parts = [
        f"On {there['clips']} clips; numbers of the first evaluator ({there['evaluator'] or 'none'}). Of several seeds the mean, "
        f"± half of their range. Times are of one machine ({there['threads']} threads, {there['device']})."
    ]
    for each in table.tables(kept):
        parts += [f"### {each.title}", *([each.note] if each.note else []), in_markdown(each)]
        if each.title in CURVES and curves(kept, each.title):
            parts.append(f"![{each.title}](ablations/{each.title}.svg)")
    return "\n\n".join(parts)


def curves(data: Mapping[str, Any], group: str) -> str:
    """An <svg> of what a group's rows say, a curve a metric, with half of the range between seeds; empty below two rows."""
    rows = [row for row in data["rows"] if row["group"] == group]
    found = []
    for key, title in DRAWN:
        cells = [(float(row["row"].rpartition("/")[2]), row["metrics"][key]) for row in rows if row["metrics"].get(key)]
        if len(cells) > 1:
            xs, ys = [x for x, _ in cells], [cell["mean"] for _, cell in cells]
            found.append(curve(title, CURVES[group], xs, ys, [cell.get("half_range") for _, cell in cells]))
    if not found:
        return ""
    inner = [re.sub(r"^<svg [^>]*>|</svg>$", "", part) for part in found]
    moved = "".join(f'<g transform="translate({PART * i} 0)">{part}</g>' for i, part in enumerate(inner))
    wide = PART * len(found)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} 190" width="{wide}" height="190">{STYLE}'
        f'<rect width="{wide}" height="190" fill="#fff"/>{moved}</svg>\n'
    )


def write(data: Mapping[str, Any], page: Path, pictures: Path) -> None:
    """The page's tables, between their markers, and the pictures that they show."""
    kept = done(data)
    for group, _ in groupby(kept["rows"], key=lambda row: row["group"]):
        if group in CURVES and (drawn := curves(kept, group)):
            pictures.mkdir(exist_ok=True)
            (pictures / f"{group}.svg").write_text(drawn, encoding="utf-8")
    text = page.read_text(encoding="utf-8")
    body = tables(data)
    new, found = put(text, "ablations", body)
    assert found == 1, f"{page}: no marker <!-- ablations -->"
    page.write_text(new, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", metavar="FOLDER", type=Path, help="where dimo ablate kept its rows")
    args = parser.parse_args()
    if args.run is not None:
        shutil.copyfile(args.run / "table.json", JSON)
    write(json.loads(JSON.read_text(encoding="utf-8")), PAGE, PICTURES)


if __name__ == "__main__":
    main()
