"""What is asked for by a noun: "slow walk cycle", "short bow before a match", "left leg roundhouse kick"."""

from __future__ import annotations

from dimo.text.people import is_person
from dimo.text.verbs import ENDS, ending, third_person

DEEDS = frozenset(
    "walk run jog sprint march jump leap hop skip kick punch jab wave bow clap salute squat lunge crawl spin turn throw toss "
    "stretch dance crouch limp stumble fall stroll strut dodge duck nod shrug drink sidestep stagger climb cheer pirouette "
    "stomp shuffle trot swing stride tiptoe twirl".split()
)
"""Verbs that are nouns as well, for what is done."""
NAMED = {
    **dict.fromkeys(("head scratch", "head scratching"), "scratch their head"),
    **dict.fromkeys(("jumping jack", "jumping jacks", "star jumps"), "do jumping jacks"),
    **dict.fromkeys(("push-up", "push-ups", "press-ups"), "do push-ups"),
    **dict.fromkeys(("sit-up", "sit-ups", "crunches"), "do sit-ups"),
    **dict.fromkeys(("long jump", "broad jump"), "jump forward"),
    **dict.fromkeys(("about-face", "about-turn", "u-turn"), "turn around"),
    **dict.fromkeys(("phone call", "telephone call", "phone conversation"), "talk on the phone"),
    **dict.fromkeys(("death", "faint", "collapse"), "fall down"),
    **dict.fromkeys(("cartwheel", "cartwheels"), "do a cartwheel"),
    **dict.fromkeys(("somersault", "forward roll"), "do a somersault"),
    **dict.fromkeys(("idle",), "stand still"),
    **dict.fromkeys(("pickup", "pick-up"), "pick something up"),
    **dict.fromkeys(("hit reaction", "hit react", "flinch", "damage"), "get punched in the face"),
    **dict.fromkeys(
        ("melee attack", "sword attack", "sword slash", "heavy attack", "light attack"), "attack with a sword"
    ),
    **dict.fromkeys(("jump attack", "leap attack"), "attack with a sword while jumping"),
    **dict.fromkeys(("shield block", "blocking stance", "guard stance"), "block a punch"),
    **dict.fromkeys(("punch combo", "punching combo", "boxing combo"), "throw a combination of punches"),
    **dict.fromkeys(("dodge roll", "combat roll", "evade roll"), "do a somersault"),
    **dict.fromkeys(("victory", "victory pose", "win pose", "celebration"), "cheer with both arms up"),
    **dict.fromkeys(("crouch walk", "crouched walk", "crouching walk"), "walk crouched"),
    **dict.fromkeys(("sneak walk", "stealth walk"), "sneak"),
    **dict.fromkeys(("catwalk", "runway walk"), "walk like a model on a runway"),
    **dict.fromkeys(("hands up",), "raise both hands in surrender"),
    **dict.fromkeys(("high knees",), "march on the spot with high knees"),
    **dict.fromkeys(("backflip", "back flip", "backflips"), "do a backflip"),
    **dict.fromkeys(("spell cast", "magic attack"), "cast a spell"),
}
"""Nouns for what is done that are no verbs, as a verb; among them names that games give to their clips."""
_FILLERS = frozenset(
    "cycle cycles animation anim animations loop motion exercise exercises transition clip movement sequence idle reps".split()
)
_ENDS_IT = frozenset(
    "with before after by for in on at from while like as to of without into over under through against during because and "
    "then".split()
)
_HOW = {
    **dict.fromkeys(("slow", "lazy"), "slowly"),
    **dict.fromkeys(("quick", "fast", "rapid", "brisk"), "quickly"),
    **dict.fromkeys(("backward", "backwards"), "backward"),
    **dict.fromkeys(("forward", "forwards"), "forward"),
    **dict.fromkeys(("sideways", "sideway"), "sideways"),
}
_SIDES, _LIMBS = frozenset(("left", "right")), frozenset(("hand", "arm", "leg", "foot"))


def as_verb(words: list[str], moods: frozenset[str], deeds: frozenset[str] = DEEDS) -> str | None:
    """Words in plain form as a caption, where they begin with a noun for what is done; None where they don't.

    moods: what is kept of how somebody is, as a word before them. deeds: verbs that count as nouns here, beside NAMED.
    """
    end = next((i for i, word in enumerate(words) if word in _ENDS_IT or (i and ending(words[i - 1]))), len(words))
    head = [word.rstrip(ENDS) for word in words[:end]]
    while len(head) > 1 and head[-1] in _FILLERS and not (head[-1] == "idle" and head[-2] in moods):
        head.pop()
    long = 2 if " ".join(head[-2:]) in NAMED else 1
    before, noun = head[:-long], " ".join(head[-long:])
    if (noun not in NAMED and noun not in deeds) or any(map(is_person, before)):
        return None  # nothing known is done, or somebody does it: "two people dance"
    first, *rest = NAMED.get(noun, noun).split()
    who = " ".join([*(word for word in before if word in moods), "person"])
    how = [_HOW[word] for word in before if word in _HOW]
    side = next((i for i, word in enumerate(before) if word in _SIDES), None)
    if side is not None and side + 1 < len(before) and before[side + 1] in _LIMBS:
        how += ["with", "their", before[side], before[side + 1]]
    elif side is not None:
        how += [before[side]] if noun == "turn" else ["to", "the", before[side]]
    told = [f"{'an' if who[0] in 'aeiou' else 'a'} {who}", third_person(first), *rest, *how]
    return " ".join([*told[:-1], told[-1] + ending(words[end - 1]), *words[end:]])
