"""What people do as they feel, and how they take what is done to them, acted like the gestures of gestures.py."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dimo.body import posture
from dimo.body.acting import LEFT_OF, Key
from dimo.data.gestures import DOWN, DOWN_OUT, OUT, Act, Curve, Draw, in_hand
from dimo.data.leading import Place, both, held, near, on_trunk, pairs, posed, repeated
from dimo.data.shaping import say

ARMS_AROUND: Place = (-0.14, -0.22, 0.16)
"""A hand on the other upper arm."""


def shiver(d: Draw) -> Act:
    """Arms around the own body, shoulders up, trembling."""
    place, at, end = d.near(ARMS_AROUND, 0.015), d.between(0.5, 0.8), d.between(2.5, 5.0)
    over, keys = d.side(0.5), {}
    times = np.arange(at, end - 0.6, 0.15)
    shaken = d.generator.uniform(-0.018, 0.018, (len(times), 3))
    for side in posture.SIDES:
        x, y, z = (place[0], place[1] + (0.05 if side == over else 0.0), place[2] + (0.04 if side == over else 0.0))
        tremble = [Key(float(t), (x + a, y + b, z + c)) for t, (a, b, c) in zip(times, shaken, strict=True)]
        keys[side] = [Key(0), *tremble, Key(end)]
    bent = d.between(6, 18)
    rubbing = d.generator.random() < 0.4
    if rubbing:
        stroke = repeated(d, place, (place[0] + 0.02, place[1] - 0.13, place[2]), (3, 6), (0.5, 0.8))
        keys = {
            s: [Key(k.seconds, k.place and (*k.place[:2], k.place[2] + 0.04 * (s == over))) for k in stroke]
            for s in keys
        }
        end = stroke[-1].seconds
    said = pairs(
        "shivers|shivering",
        "shivers|shivering with cold",
        "wraps|wrapping the arms around the own body against the cold",
        "trembles|trembling with cold",
        "shivers|shivering, arms wrapped around the body",
        "is|being freezing",
    ) + say("~hug the own body and ~shiver; ~wrap both arms around the body and ~shiver")
    if rubbing:
        said = pairs(
            "rubs|rubbing both arms to keep warm",
            "rubs|rubbing the upper arms against the cold",
            "warms|warming up by rubbing both arms",
            "is|being cold, rubbing both arms",
        )
    lean = [(0.0, 0.0), (at, bent), (end - 0.6, bent), (end, 0.0)]
    up = [(0.0, 0.0), (at, 15.0), (end - 0.6, 15.0), (end, 0.0)]
    return Act(said, keys, DOWN_OUT, end, lean=lean, nod=lean, shrug=up, shown=near(ARMS_AROUND, 0.15, 0.8))


def think(d: Draw) -> Act:
    """A hand at the chin, its elbow in the other hand."""
    side = d.side()
    chin, elbow = d.near((0.03, 0.0, 0.18), 0.012), d.near((-0.1, -0.3, 0.22), 0.015)
    stays = d.generator.random() < 0.4
    keys = posed(d, chin, (2.0, 5.0), 0.012) if stays else held(d, chin, (1.2, 3.5), (0.25, -0.3, 0.3))
    folded = d.generator.random() < 0.6
    hands = {side: keys}
    if folded:
        hands[posture.OTHER[side]] = [Key(k.seconds, elbow if k.place else None) for k in keys]
    verbs = pairs(
        "thinks|thinking",
        "thinks|thinking with a hand on the chin",
        "ponders|pondering",
        "holds|holding the chin in thought",
        "stands|standing lost in thought with a hand on the chin",
        "rests|resting the chin on a hand, thinking",
    )
    if folded:
        verbs += pairs("stands|standing thinking, one hand on the chin and the other arm across the body")
    bent = d.between(4, 16)
    nod = [(0.0, bent * stays), (keys[1].seconds, bent), (keys[-2].seconds, bent), (keys[-1].seconds, bent * stays)]
    return Act(verbs, hands, (0.3, -1.0, 0.1), keys[-1].seconds, nod=nod, shown=near(chin, 0.1, 0.8, (side,)))


def yawn(d: Draw) -> Act:
    """Both arms up and out, or one hand before the mouth, the back arched."""
    if d.generator.random() < 0.35:
        side = d.side()
        mouth = d.near((0.03, 0.03, 0.19), 0.012)
        keys = held(d, mouth, (0.9, 2.0), (0.25, -0.3, 0.3))
        said = in_hand(pairs("yawns|yawning", "yawns|yawning behind a hand", "covers|covering a yawn"), side)
        back = [(0.0, 0.0), (keys[1].seconds, -d.between(8, 20)), (keys[2].seconds, -8), (keys[-1].seconds, 0.0)]
        return Act(said, {side: keys}, DOWN_OUT, keys[-1].seconds, nod=back, shown=near(mouth, 0.1, 0.6, (side,)))
    top, via = d.near((0.26, 0.42, 0.05), 0.04), (0.4, -0.05, 0.35)
    keys = held(d, top, (0.9, 2.0), via)
    arch = -d.between(10, 20)
    lean = [(0.0, 0.0), (keys[1].seconds, arch), (keys[2].seconds, arch), (keys[-1].seconds, 0.0)]
    said = pairs(
        "stretches|stretching with a yawn",
        "stretches|stretching after waking up",
        "yawns|yawning with both arms stretched up",
        "stretches|stretching both arms up, arching the back",
        "stretches|stretching with a big yawn",
    ) + say("~wake up and ~stretch; ~yawn and ~stretch; ~stretch and ~yawn")
    return Act(said, both(keys), OUT, keys[-1].seconds, lean=lean, nod=lean, shown=near(top, 0.2, 0.5))


def shake_fist(d: Draw) -> Act:
    side = d.side()
    high, low = d.near((0.24, 0.24, 0.22), 0.03), d.near((0.24, 0.1, 0.24), 0.03)
    keys = repeated(d, high, low, (3, 7), (0.3, 0.45))
    verbs = pairs(
        "shakes|shaking a fist",
        "shakes|shaking a fist in the air",
        "shakes|shaking a fist angrily at somebody",
        "threatens|threatening somebody with a raised fist",
    ) + say("~raise a fist and ~shake it in anger")
    lean = [(0.0, 0.0), (keys[1].seconds, d.between(3, 12)), (keys[-2].seconds, 5), (keys[-1].seconds, 0.0)]
    return Act(
        in_hand(verbs, side), {side: keys}, OUT, keys[-1].seconds, lean=lean, shown=near(high, 0.1, 0.1, (side,))
    )


def laugh(d: Draw) -> Act:
    """Bent a little and up again, again and again, with both hands on the belly, or one that points."""
    end = d.between(2.2, 4.5)
    at = np.arange(0.5, end - 0.5, 0.22)
    bent, deep = d.between(8, 25), d.between(4, 8)
    shaking: Curve = [(0.0, 0.0), *((float(t), bent + deep * (-1) ** i) for i, t in enumerate(at)), (end, 0.0)]
    heave: Curve = [(0.0, 0.0), *((float(t), 9.0 + 6.0 * (-1) ** i) for i, t in enumerate(at)), (end, 0.0)]
    place = d.near((0.05, -0.4, 0.17), 0.02)
    hands: dict[str, list[Key]] = both([Key(0), Key(0.6, place), Key(end - 0.6, place), Key(end)])
    said = pairs(
        "laughs|laughing",
        "laughs|laughing out loud",
        "bursts|bursting out laughing",
        "holds|holding the belly laughing",
        "laughs|laughing hard with both hands on the belly",
        "doubles|doubling over with laughter",
    )
    shown = near(place, 0.12, 0.8)
    if d.generator.random() < 0.3:
        side, there = d.side(), d.near((0.15, -0.1, 0.5), 0.03)
        hands[side] = [Key(0), Key(0.6, there, (0.3, -0.3, 0.35)), Key(end - 0.6, d.near(there, 0.02)), Key(end)]
        said = say("~point and ~laugh; ~point at somebody and ~laugh; ~laugh and ~point at somebody")
        shown = near(there, 0.12, 0.5, (side,))
    return Act(said, hands, DOWN_OUT, end, lean=shaking, shrug=heave, shown=shown)


def plead(d: Draw) -> Act:
    """Both hands clasped before the chest and shaken."""
    place = d.near((0.03, -0.16, 0.3), 0.012)
    keys = repeated(d, place, (place[0], place[1] - d.between(0.05, 0.09), place[2] + 0.04), (3, 6), (0.4, 0.6))
    said = pairs(
        "begs|begging",
        "pleads|pleading with clasped hands",
        "begs|begging for mercy with both hands together",
        "rubs|rubbing the hands together",
    ) + say("~clasp the hands and ~beg")
    bent = d.between(4, 16)
    lean = [(0.0, 0.0), (keys[1].seconds, bent), (keys[-2].seconds, bent), (keys[-1].seconds, 0.0)]
    return Act(said, both(keys), DOWN_OUT, keys[-1].seconds, lean=lean, shown=near(place, 0.12, 0.8))


def wave_help(d: Draw) -> Act:
    """Both arms waved above the head."""
    out, inward = d.near((0.42, 0.38, 0.1), 0.03), d.near((0.06, 0.5, 0.12), 0.03)
    keys = repeated(d, out, inward, (3, 6), (0.55, 0.9))
    said = pairs(
        "waves|waving both arms above the head",
        "waves|waving with both arms",
        "waves|waving for help with both arms",
        "signals|signalling for help, waving both arms",
        "flags|flagging somebody down with both arms",
    )
    return Act(said, both(keys), OUT, keys[-1].seconds, shown=near(out, 0.15, 0.1))


def hit_in_belly(d: Draw) -> Act:
    """Doubled over at once, both hands to the belly, and slowly up again or not."""
    at = d.between(0.3, 0.8)
    hit = at + d.between(0.16, 0.26)
    stays = hit + d.between(0.6, 1.8)
    rises = d.generator.random() < 0.6
    end = stays + (d.between(0.8, 1.3) if rises else 0.0)
    bent, tipped = d.between(28, 42), d.between(15, 28)
    place = on_trunk(d.near((0.03, -0.42, 0.19), 0.015), 0.8 * bent + tipped)
    keys = [Key(0), Key(at), Key(hit + 0.1, place), Key(stays, place), *([Key(end)] if rises else [])]
    lean = [(0.0, 0.0), (at, 0.0), (hit, bent), (stays, bent), *([(end, 0.0)] if rises else [])]
    hinge = [(t, v * tipped / bent) for t, v in lean]
    said = pairs(
        "gets|getting punched in the stomach",
        "doubles|doubling over in pain",
        "takes|taking a punch to the stomach",
        "doubles|doubling over holding the stomach",
        "is|being hit in the stomach",
    ) + say("~get hit in the belly and ~bend over; ~get punched in the stomach and ~double over")
    nod, shown = [(t, v * 0.4) for t, v in lean], near(place, 0.13, 0.4)
    return Act(said, both(keys), DOWN_OUT, end, lean=lean, hinge=hinge, nod=nod, shown=shown)


def bow_politely(d: Draw) -> Act:
    """A bow with one arm folded over the stomach, the other at the back, or swept aside."""
    side = d.side()
    at, down = d.between(0.5, 0.8), d.between(0.6, 0.9)
    low = at + down
    stays = low + d.between(0.3, 1.2)
    up = stays + d.between(0.7, 1.1)
    end = up + d.between(0.4, 0.7)
    front, back = d.near((-0.04, -0.38, 0.2), 0.015), d.near((0.04, -0.42, -0.14), 0.015)
    aside = d.near((0.5, -0.2, 0.12), 0.03)
    tipped, bent = d.between(32, 50), d.between(15, 28)
    deep = on_trunk(front, tipped + 0.8 * bent)
    behind = on_trunk(back, tipped + 0.8 * bent)
    sweeping = d.generator.random() < 0.35
    other, then = (aside, aside) if sweeping else (back, behind)
    hands = {
        side: [Key(0), Key(at, front), Key(low, deep), Key(stays, deep), Key(up, front), Key(end)],
        posture.OTHER[side]: [Key(0), Key(at, other), Key(low, then), Key(stays, then), Key(up, other), Key(end)],
    }
    said = pairs(
        "bows|bowing deeply with one arm across the stomach",
        "bows|bowing like a butler",
        "takes|taking a bow with one arm folded in front",
        "bows|bowing politely from the waist",
        "makes|making a deep bow, one hand on the belly",
        "bows|bowing deeply from the waist",
    )
    lean = [(0.0, 0.0), (at, 0.0), (low, bent), (stays, bent), (up, 0.0)]
    shown = near(deep, 0.14, 0.3, (side,))
    hinge = [(t, v * tipped / bent) for t, v in lean]
    return Act(
        said, hands, (1.0, -0.3, -0.2), end, lean=lean, hinge=hinge, nod=[(t, 0.4 * v) for t, v in lean], shown=shown
    )


def pat_head(d: Draw) -> Act:
    """Bent forward, a hand that pats something small, a child's or a dog's head."""
    side = d.side(0.7)
    x, y, z = d.near((0.08, -0.34, 0.44), 0.03)
    keys = repeated(d, (x, y, z), (x, y + 0.09, z), (3, 6), (0.35, 0.55))
    bent = d.between(15, 28)
    end = keys[-1].seconds
    hinge = [(0.0, 0.0), (keys[1].seconds, 35.0), (keys[-2].seconds, 35.0), (end, 0.0)]
    lean = [(0.0, 0.0), (keys[1].seconds, bent), (keys[-2].seconds, bent), (end, 0.0)]
    verbs = pairs(
        "pats|patting a child on the head",
        "pats|patting a dog",
        "strokes|stroking a dog",
        "pets|petting a dog",
        "leans|leaning down to pat a dog",
    ) + say("~bend down and ~pat a small child on the head; ~lean down and ~pat a dog")
    return Act(
        in_hand(verbs, side),
        {side: keys},
        DOWN,
        end,
        lean=lean,
        hinge=hinge,
        shown=near((x, y + 0.03, z), 0.12, 0.5, (side,)),
    )


def hit_in_face(d: Draw) -> Act:
    """Hit in the face: the head and the trunk jerk back and to a side, a hand comes up to the cheek."""
    side = d.side()
    sign, at = LEFT_OF[side], d.between(0.3, 0.8)
    hit, cheek = at + d.between(0.12, 0.2), d.near((0.08, 0.03, 0.16), 0.015)
    end = hit + d.between(1.6, 2.6)
    keys = [Key(0), Key(hit), Key(hit + d.between(0.35, 0.6), cheek), Key(end - 0.7, cheek), Key(end)]
    back, turned = -d.between(8, 18), -sign * d.between(25, 45)
    lean: Curve = [(0.0, 0.0), (at, 0.0), (hit, back), (hit + 0.6, 6), (end, 0.0)]
    shake: Curve = [(0.0, 0.0), (at, 0.0), (hit, turned), (hit + 0.7, 0.3 * turned), (end, 0.0)]
    said = pairs(
        "gets|getting punched in the face",
        "gets|getting slapped in the face",
        "is|being hit in the face",
        "takes|taking a punch to the face",
    ) + say("~get hit on the head and ~hold the cheek")
    twist = [(t, 0.5 * v) for t, v in shake]
    return Act(said, {side: keys}, DOWN_OUT, end, twist, lean, shake=shake, shown=near(cheek, 0.12, 0.4, (side,)))


ACTS: dict[str, tuple[Callable[[Draw], Act], float]] = {
    "shiver": (shiver, 0.4),
    "think": (think, 0.45),
    "yawn": (yawn, 0.4),
    "shake_fist": (shake_fist, 0.3),
    "laugh": (laugh, 0.45),
    "plead": (plead, 0.3),
    "wave_help": (wave_help, 0.35),
    "hit_in_belly": (hit_in_belly, 0.4),
    "hit_in_face": (hit_in_face, 0.3),
    "bow_politely": (bow_politely, 0.35),
    "pat_head": (pat_head, 0.3),
}
"""Moods, and how often each is drawn."""
