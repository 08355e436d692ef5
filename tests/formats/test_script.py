"""Scripts: the parts of a long motion as a text file."""

import json

import pytest

from dimo import FormatError, RequestError
from dimo.formats.script import check_parts, read_script

PARTS = [("walks forward", 3.0), ("sits down: slowly", None), ("waves", 2.5)]
YAML = """---
# a short day
- text: walks forward
  seconds: 3
- text: "sits down: slowly"
- seconds: 2.5   # order does not matter
  text: waves
"""
TXT = "# a short day\n3s walks forward\n\nsits down: slowly\n2.5 s: waves\n"
TOML = (
    '[[part]]\ntext = "walks forward"\nseconds = 3\n[[part]]\ntext = "sits down: slowly"\n'
    '[[part]]\ntext = "waves"\nseconds = 2.5\n'
)
JSON = json.dumps([{"text": "walks forward", "seconds": 3}, "sits down: slowly", ["waves", 2.5]])


@pytest.mark.parametrize(
    ("suffix", "text"), [(".yaml", YAML), (".yml", YAML), (".txt", TXT), (".toml", TOML), (".json", JSON)]
)
def test_scripts_say_the_same_in_every_form(suffix, text, tmp_path):
    path = tmp_path / f"script{suffix}"
    path.write_text(text)
    assert read_script(path) == PARTS


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.doc", "3s walks", ".txt"),
        ("a.txt", "# nothing\n", "at least one part"),
        ("a.txt", "900s walks", "line 1: part 1: seconds must be"),
        ("a.txt", "walks\n\n-2s a person bows", "line 3: part 2: seconds must be from 0.2 to 600, not -2"),
        ("a.txt", "-2 s: a person bows", "not -2"),
        ("a.txt", "0s bows", "not 0"),
        ("a.txt", "1e9s bows", "not 1e+09"),
        ("a.txt", "nan s bows", "not nan"),
        ("a.txt", "inf seconds bows", "not inf"),
        ("a.txt", "2,5s bows", "decimal comma"),
        ("a.txt", "2min bows", "times are in seconds"),
        ("a.txt", "200ms bows", "times are in seconds"),
        ("a.txt", "3s", "part 1 has no text"),
        ("a.txt", "600s walks\n" * 7, "last 4,200 s together"),
        ("a.yaml", "text: walks", "line 1"),
        ("a.yaml", "- text: walks\n  speed: 3", "line 2"),
        ("a.yaml", "- text: walks\n  text: runs", "twice"),
        ("a.yaml", "- seconds: 3", "part 1 has no text"),
        ("a.yaml", "- text: walks\n  seconds: soon", "'soon'"),
        ("a.yaml", "- &a [walks, 3]", "line 1"),
        ("a.json", "{", "not JSON"),
        ("a.json", '{"text": "walks"}', "list of parts"),
        ("a.json", '[{"text": "walks", "speed": 1}]', "'speed'"),
        ("a.json", "[[1, 2, 3]]", "part 1"),
        ("a.toml", "x = [", "not TOML"),
        ("a.toml", "x = 1", "[[part]]"),
    ],
)
def test_wrong_scripts_are_named(name, text, words, tmp_path):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(FormatError) as caught:
        read_script(path)
    assert words in str(caught.value)
    assert name in str(caught.value)


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("3s walks", ("walks", 3.0)),
        ("0.5 sec. walks", ("walks", 0.5)),
        (".5s: walks", ("walks", 0.5)),
        ("+2 seconds walks", ("walks", 2.0)),
        ("2S walks", ("walks", 2.0)),
        ("3 people meet", ("3 people meet", None)),
        ("3 men walk", ("3 men walk", None)),
        ("1 step forward", ("1 step forward", None)),
        ("an inference", ("an inference", None)),
        ("- walks", ("- walks", None)),
    ],
)
def test_times_of_lines(line, part, tmp_path):
    (tmp_path / "a.txt").write_text(line)
    assert read_script(tmp_path / "a.txt") == [part]


def test_wrong_parts_are_named():
    with pytest.raises(RequestError, match="part 2 has no text"):
        check_parts(["walks", "  "])
    with pytest.raises(RequestError, match="part 1: seconds"):
        check_parts([("walks", float("nan"))])
    with pytest.raises(RequestError, match="part 1 must be"):
        check_parts([7])
