"""Whether a sentence is English, by its small words: enough to refuse other languages, too little to name them.

Word pieces of an English vocabulary spell any word of the Latin script, so a German sentence would be read without an
error and give an arbitrary motion. Every sentence of some length has small words, which few languages share.
"""

from __future__ import annotations

import re

from dimo.text.verbs import GERUNDS

ENGLISH = frozenset(
    "a an the and or but then while with without to of in on at from by for into over around up down his her their its he"
    " she they it him them is are was as who that this one two both person man woman someone somebody figure people walks"
    " walk walking runs run running jumps jump turns turn left right hand hands arm arms leg legs foot feet forward"
    " backward backwards ahead slowly quickly steps step waves wave raises raise sits stands dance dances kicks punches"
    " bows head body air ground circle like again once twice".split()
)
"""Small English words and the commonest of motion; one of them is enough where another language shares a word."""

OTHERS = {
    "German": "frau mann springt geht hebt der die das ein eine einen und mit nach "
    "nicht ist sich er sie läuft geht dann auf im zur zum vorwärts hand links",
    "French": "le la les un une des et avec vers puis il elle qui dans sur est marche avance homme femme personne son ses",
    "Spanish": "el la los las un una y con hacia luego que en su sus camina corre hombre mujer persona alguien mientras",
    "Italian": "il lo la gli un una e con verso poi che nel sulla suo cammina corre uomo donna persona qualcuno mentre",
    "Portuguese": "o os um uma e com para depois que no na seu sua anda corre homem mulher pessoa alguém enquanto",
    "Dutch": "de het een en met naar dan niet zijn haar loopt rent iemand persoon vooruit terwijl",
    "Polish": "i w z na do się jest osoba idzie biegnie człowiek potem",
    "Swedish": "en ett och med till sedan går springer person någon framåt",
    "Indonesian": "seorang orang dan dengan ke lalu berjalan berlari maju tangan",
    "Turkish": "bir ve ile sonra kişi adam yürüyor koşuyor ileri doğru",
}
BOTH = frozenset("do no die on i a in is en he sur".split())
"""Words of theirs that are English as well: alone they say nothing, as in "do five squats" and "die dramatically"."""
_OTHERS = {name: frozenset(words.split()) for name, words in OTHERS.items()}


def looks_foreign(text: str) -> bool:
    """True when a sentence has small words of another language and hardly any English ones.

    A few words without any small word ("jumping jacks") pass: nothing can be said about them.
    """
    words = re.findall(r"[^\W\d_]+", text.lower())
    english = sum(w in ENGLISH or w in GERUNDS for w in words)
    found = [[w for w in words if w in small] for small in _OTHERS.values()]
    other = max((len(some) for some in found if not BOTH.issuperset(some)), default=0)
    return len(words) >= 2 and other > english and (english == 0 or other >= 2)
