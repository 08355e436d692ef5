"""Files of prompts as they are read; what is refused stands in tests/cli/test_bad_input.py."""

import json

import pytest

from dimo.batch.prompts import Prompt, read_prompts
from dimo.errors import FormatError


def of(tmp_path, content, name="p.jsonl"):
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    return read_prompts(path)


def test_a_line_of_text_is_a_prompt_named_by_its_line(tmp_path):
    assert of(tmp_path, "# first\na person walks\n\n  2.5s a person bows \r\n4 steps forward", "p.txt") == [
        Prompt("000002", "a person walks"),
        Prompt("000004", "a person bows", 2.5),
        Prompt("000005", "4 steps forward"),
    ]


def test_a_line_of_json_may_say_more(tmp_path):
    rows = [
        {"text": "a person walks", "seconds": 3, "seed": 7, "id": "walk.1"},
        {"id": 12, "parts": [{"text": "walks", "seconds": 2}, {"text": "sits\u2028down"}]},
        {"text": "bows"},
    ]
    assert of(tmp_path, "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)) == [
        Prompt("walk.1", "a person walks", 3.0, 7),
        Prompt("12", None, None, None, (("walks", 2.0), ("sits\u2028down", None))),
        Prompt("000003", "bows"),
    ]


def test_a_given_id_may_not_be_the_line_of_another(tmp_path):
    with pytest.raises(FormatError, match="line 2: the id '000002' stands in line 1"):
        of(tmp_path, '{"text": "a", "id": "000002"}\n{"text": "b"}')


def test_the_key_changes_with_all_that_is_asked():
    prompt = Prompt("a", "walks", 2.0, 3)
    others = [
        Prompt("b", "walks", 2.0, 3),
        Prompt("a", "bows", 2.0, 3),
        Prompt("a", "walks", None, 3),
        Prompt("a", "walks", 2.0, None),
        Prompt("a", None, None, 3, (("walks", 2.0),)),
    ]
    assert prompt.key == Prompt("a", "walks", 2.0, 3).key
    assert len({p.key for p in [prompt, *others]}) == 6


def test_seeds_are_own_or_come_of_the_batch_and_the_id():
    assert Prompt("a", "walks", seed=5).seed_of(1) == 5
    assert Prompt("a", "walks", seed=0).seed_of(1) == 0
    seeds = [Prompt(name, "walks").seed_of(seed) for name in "abc" for seed in range(3)]
    assert len(set(seeds)) == 9
    assert Prompt("a", "bows").seed_of(2) == seeds[2]  # whatever the text
    assert all(0 <= seed < 2**32 for seed in seeds)
