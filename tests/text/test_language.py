import json
from pathlib import Path

import pytest

from dimo.text.language import looks_foreign

FOREIGN = [
    "eine Person läuft vorwärts und winkt mit der rechten Hand",
    "ein Mann springt",
    "une personne marche en avant",
    "l'homme lève la main gauche",
    "una persona camina hacia adelante",
    "un hombre levanta la mano izquierda",
    "una persona cammina in avanti",
    "uma pessoa anda para a frente",
    "een man loopt naar voren",
    "człowiek idzie do przodu",
    "en person går framåt",
    "seorang pria berjalan maju",
    "bir adam ileri doğru yürüyor",
]
ENGLISH = [
    "a person walks forward",
    "jumping jacks",
    "walk",
    "salsa",
    "does a pas de deux with a partner",
    "someone dances the macarena, then bows",
    "martial arts",
    "die on the ground",
    "a man does tai chi",
    "kicks en route",
]


@pytest.mark.parametrize("text", FOREIGN)
def test_other_languages_are_seen(text):
    assert looks_foreign(text)


@pytest.mark.parametrize("text", ENGLISH)
def test_english_passes(text):
    assert not looks_foreign(text)


def test_the_development_prompts_pass():
    lines = (Path(__file__).parents[2] / "benchmarks" / "prompts_dev.jsonl").read_text().splitlines()
    assert len(lines) > 50
    assert not [t for t in (json.loads(line)["text"] for line in lines) if looks_foreign(t)]
