"""What `dimo correct`, `rank` and `search` print."""

import json

from dimo.api import DiMo
from dimo.cli import correct as verb
from dimo.cli.main import main
from dimo.tasks.correct import Change, Correction


def test_diff_without_colour_is_that_of_wdiff():
    text = "a man turns to left slowly".replace("to ", "my ")
    changes = [Change("left", "right", 0.97, 15, 19), Change("slowly", "", 0.8, 20, 26)]
    assert verb.diff(text, changes, colour=False) == "a man turns my [-left-]{+right+} [-slowly-]"
    assert (
        verb.diff(text, changes[:1], colour=True) == "a man turns my \033[31;9mleft\033[0m \033[32mright\033[0m slowly"
    )


def run(argv, made, tmp_path, monkeypatch, capsys):
    motion = DiMo.debug().generate("walk", seconds=1, steps=1, seed=0)[0]
    motion.save(tmp_path / "m.npz")
    monkeypatch.setattr(DiMo, "from_pretrained", staticmethod(lambda folder=None, **given: DiMo.debug()))
    monkeypatch.setattr(DiMo, "correct", lambda self, text, motion: made)
    assert main(["correct", str(tmp_path / "m.npz"), *argv]) == 0
    return capsys.readouterr().out


def test_what_is_printed(tmp_path, monkeypatch, capsys):
    made = Correction("turns right", "turns left", (Change("left", "right", 0.97, 6, 10),))
    out = run(["turns left"], made, tmp_path, monkeypatch, capsys)
    assert out == "turns [-left-]{+right+}\nturns right\n  'left' -> 'right', confidence 97%\n"
    shown = json.loads(run(["turns left", "--json"], made, tmp_path, monkeypatch, capsys))
    assert shown["changed"]
    assert shown["changes"][0]["new"] == "right"
    same = Correction("turns left", "turns left")
    assert run(["turns left"], same, tmp_path, monkeypatch, capsys) == "nothing to change\n"


def test_search_lists_what_it_left_out_and_rank_sorts(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "motions"
    folder.mkdir()
    DiMo.debug().save_pretrained(tmp_path / "tiny")
    DiMo.debug().generate("walk", seconds=1, steps=1, seed=0)[0].save(folder / "m.npz")
    (folder / "bad.bvh").write_text("no")
    assert main(["search", "a walk", str(folder), "--model", str(tmp_path / "tiny")]) == 0
    shown = capsys.readouterr()
    assert shown.out.endswith("m.npz\n")
    assert "left out" in shown.err
    assert "bad.bvh" in shown.err
    (tmp_path / "captions.txt").write_text("a walk\n\na run\na walk\n")
    argv = ["rank", str(folder / "m.npz"), str(tmp_path / "captions.txt"), "--model", str(tmp_path / "tiny"), "--json"]
    assert main(argv) == 0
    rows = json.loads(capsys.readouterr().out)
    assert sorted(r["text"] for r in rows) == ["a run", "a walk"]
    assert rows[0]["rank"] >= rows[1]["rank"]
