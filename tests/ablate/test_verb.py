"""dimo ablate from the command line."""

import json

from dimo.cli.main import main

ROWS = """
[groups.mix]
about = "which tasks"
rows.base = {}
rows.words = { model.loss.mix = [0, 1, 0] }
"""


def test_rows_are_listed_made_and_listed_as_done(place, codec, plan_file, tmp_path, capsys):
    plan = str(plan_file(ROWS))
    assert main(["ablate", plan, "--list"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "mix/base, seed 0   (the base)",
        "mix/words, seed 0  model.loss.mix = [0, 1, 0]",
    ]
    where = [
        "--data",
        str(place / "data"),
        "-o",
        str(tmp_path / "out"),
        "--codec",
        str(codec),
        "--from",
        str(place / "bert"),
    ]
    short = ["--steps", "3", "--only", "mix/words"]
    assert main(["ablate", plan, *where, *short, "--time-limit", "1e-9"]) == 0
    assert "0 of 1 rows are done; the same command goes on" in capsys.readouterr().out
    assert main(["ablate", plan, *where, *short, "--quiet"]) == 0
    shown = capsys.readouterr()
    assert shown.out.strip() == f"{tmp_path / 'out/table.md'}: 1 of 1 rows are done"
    assert shown.err == ""
    record = json.loads((tmp_path / "out/rows/mix.words.0.json").read_text())
    assert record["training"]["steps"] == 3  # half of the base's, as asked for
    assert main(["ablate", plan, *where, "--list", "--steps", "3"]) == 0
    states = [line.split("  ")[1].strip() for line in capsys.readouterr().out.splitlines()]
    assert states == ["to do", "done"]
    assert main(["ablate", plan, *where, "--list"]) == 0  # of the whole budget nothing is done
    assert capsys.readouterr().out.count("to do") == 2
