"""Ways to say an event: a finite verb and its -ing form, each followed by the same words."""

from __future__ import annotations

from dimo.body.posture import OTHER
from dimo.data.body_events import Event

SUBJECTS = ("a person", "someone", "a man", "a woman", "the person", "the man", "the figure", "a figure", "somebody")
SLOW_MPS, FAST_MPS, SPRINT_MPS = 0.85, 1.55, 4.0
HIGH_M = 0.2  # over the head joint: a raised hand that reaches up
Pairs = list[tuple[str, str]]

COUNTS = {2: ("twice", "two times"), 3: ("three times",), 4: ("four times",), 5: ("five times",)}
"""How a count is said; above these it is "several times"."""


def phrases(event: Event) -> Pairs:
    """Ways to say an event, each true of it."""
    if event.kind in _MAKERS:
        return _MAKERS[event.kind](event)
    return _with(_FIXED[event.kind], _times(event.count))


def _with(verbs: Pairs, ends: tuple[str, ...] | list[str]) -> Pairs:
    return [(v + e, g + e) for v, g in verbs for e in ends]


def _times(count: int) -> tuple[str, ...]:
    if count == 1:
        return ("",)
    return tuple(f" {c}" for c in COUNTS.get(count, ("several times", "again and again")))


def _walk(event: Event) -> Pairs:
    ways = {
        "forward": ["forward", "ahead", "straight ahead"],
        "backward": ["backward", "backwards"],
        "left": ["sideways to the left", "to the left sideways"],
        "right": ["sideways to the right", "to the right sideways"],
    }[event.side]
    running, walking = event.kind == "run", event.kind == "walk"
    how = [""]
    if walking and event.amount < SLOW_MPS:
        how = [" slowly", " slowly", " at a slow pace"]
    elif walking and event.amount > FAST_MPS:
        how = [" quickly", " briskly", " fast"]
    verbs = [("walks", "walking"), ("moves", "moving"), ("steps", "stepping")]
    if running:
        verbs = [("runs", "running"), ("jogs", "jogging")]
        if event.amount > SPRINT_MPS:
            verbs = [("runs", "running"), ("sprints", "sprinting"), ("dashes", "dashing")]
    words = [f" {w}{h}" for w in ways if w != "straight ahead" for h in how]
    if walking and event.side == "forward":
        verbs = [("walks", "walking"), ("strolls", "strolling")]
        if event.amount >= FAST_MPS:
            verbs = [("walks", "walking"), ("strides", "striding")]
    if walking and event.side in ("left", "right"):
        side = event.side
        return [
            *_with(verbs, words),
            (f"sidesteps to the {side}", f"sidestepping to the {side}"),
            (f"side steps {side}", f"side stepping {side}"),
        ]
    said = _with(verbs, words)
    if walking and event.side == "forward" and event.amount < SLOW_MPS:
        # Verbs that say the slowness by themselves.
        slow = [("trudges", "trudging"), ("shuffles", "shuffling"), ("plods", "plodding"), ("ambles", "ambling")]
        said += [(f"{v} {w}", f"{g} {w}") for v, g in slow for w in ways[:2]]
    return said


def _crouch_walk(event: Event) -> Pairs:
    return [
        ("walks forward in a crouch", "walking forward in a crouch"),
        ("crouches and walks forward", "crouching and walking forward"),
        ("sneaks forward, crouching", "sneaking forward in a crouch"),
        ("walks with bent knees, low to the ground", "walking with bent knees, low to the ground"),
    ]


def _turn(event: Event) -> Pairs:
    side = event.side
    on_spot = event.kind == "turn_in_place"
    places = (" on the spot", " in place", "") if on_spot else ("",)
    if event.amount > 320:
        return [
            *_with([(f"spins around to the {side}", f"spinning around to the {side}")], places),
            ("turns all the way around", "turning all the way around"),
            ("spins around", "spinning around"),
        ]
    if event.amount > 150:
        ends = [f" to the {side}", ""]
        rest = [" 180 degrees"] if event.amount < 210 else []
        return _with([("turns around", "turning around")], [e + p for e in (*ends, *rest) for p in places])
    rest = [f" to the {side}", f" {side}"] + ([f" {side} by about 90 degrees"] if 70 < event.amount < 110 else [])
    said = _with([("turns", "turning")], [r + p for r in rest for p in places])
    return said + ([] if on_spot else [(f"makes a {side} turn", f"making a {side} turn")])


def _hand(side: str) -> list[str]:
    if side in OTHER:
        return [f"the {side} hand", f"their {side} hand", f"the {side} arm"]
    return ["both hands", "both arms"]


def _raise(event: Event) -> Pairs:
    verbs = [("raises", "raising", ""), ("lifts", "lifting", ""), ("lifts", "lifting", " up")]
    verbs += [("puts", "putting", " up"), ("holds", "holding", " up")]
    hand = _hand(event.side)
    said = [(f"{v} {h}{t}", f"{g} {h}{t}") for v, g, t in verbs for h in hand]
    if event.amount > HIGH_M:
        said += [(f"reaches up with {h}", f"reaching up with {h}") for h in hand]
        said += [(f"raises {h} above the head", f"raising {h} above the head") for h in hand]
        said += [(f"stretches {h} up high", f"stretching {h} up high") for h in hand]
    return said


def _wave(event: Event) -> Pairs:
    return [(f"waves {w}{h}", f"waving {w}{h}") for h in _hand(event.side) for w in ("", "with ")]


def _jump(event: Event) -> Pairs:
    verbs = [("jumps", "jumping")]
    if event.side == "forward":
        verbs = [("jumps forward", "jumping forward"), ("leaps forward", "leaping forward")]
        if event.count == 1 and event.amount > 0.8:
            verbs.append(("makes a long jump forward", "making a long jump forward"))
    elif event.side == "backward":
        verbs = [("jumps backward", "jumping backward"), ("jumps back", "jumping back")]
    elif event.side == "up" and event.count == 1:
        verbs += [("jumps up", "jumping up"), ("jumps in the air", "jumping in the air")]
        verbs += [("jumps in place", "jumping in place"), ("jumps straight up", "jumping straight up")]
    elif event.side == "up":
        verbs += [("jumps in place", "jumping in place"), ("jumps up and down", "jumping up and down")]
    ends = [*_times(event.count)] if event.count > 1 else ["", "", " once"]
    return _with(verbs, ends)


def _kick(event: Event) -> Pairs:
    side = event.side
    ends = [
        e + t
        for e in (
            f" with the {side} leg",
            f" with the {side} foot",
            f" with their {side} leg",
            f" with their {side} foot",
        )
        for t in _times(event.count)
    ]
    said = _with([("kicks", "kicking")], ends)
    if event.count == 1:
        said += _with([("does a kick", "doing a kick")], [f" with the {side} leg"])
        said.append((f"gives a {side} kick", f"giving a {side} kick"))
    return said


def _lift(event: Event) -> Pairs:
    times = _times(event.count)
    if event.kind == "lift_knee":
        ends = [f" the {event.side} knee{w}{t}" for w in ("", " up to the hip", " high") for t in times]
        return _with([("lifts", "lifting"), ("raises", "raising")], ends)
    ends = [f" the {event.side} leg{w}{t}" for w in ("", " up", " off the ground") for t in times]
    return _with([("lifts", "lifting"), ("raises", "raising")], ends)


def _hold(event: Event) -> Pairs:
    return _with([("stands", "standing")], [f" {w}" for w in held(event)])


def held(event: Event) -> list[str]:
    """Where hands are all the time, to be put after what the body does: "with both arms stretched out in front"."""
    if event.side == "both":
        what, hands = "both arms", "both hands"
    else:
        what, hands = f"the {event.side} arm", f"the {event.side} hand"
    return {
        "hold_high": [
            f"with {what} raised overhead",
            f"with {hands} held up above the head",
            f"with {what} up in the air",
        ],
        "hold_ahead": [f"with {what} stretched out in front", f"holding {what} out in front"],
        "hold_aside": [f"with {what} stretched out to the side", f"holding {what} out to the side"],
        "hold_near": [f"with {hands} held up by the head", f"with {what} bent and {hands} up", f"holding {hands} up"],
    }[event.kind]


def _squat(event: Event) -> Pairs:
    if event.side == "down":
        return [
            ("squats down", "squatting down"),
            ("crouches down", "crouching down"),
            ("lowers into a squat", "lowering into a squat"),
        ]
    if event.count > 1:
        times = _times(event.count)
        number = {2: "two", 3: "three", 4: "four", 5: "five"}.get(event.count, "several")
        return [
            *_with([("squats", "squatting")], times),
            (f"does {number} squats", f"doing {number} squats"),
            ("does squats", "doing squats"),
        ]
    return [
        ("does a squat", "doing a squat"),
        ("squats down and stands up again", "squatting down and standing up again"),
        ("squats", "squatting"),
        ("squats once", "squatting once"),
        ("crouches down and rises again", "crouching down and rising again"),
        ("bends the knees deeply and straightens up", "bending the knees deeply and straightening up"),
    ]


def _lunge(event: Event) -> Pairs:
    times = _times(event.count)
    if event.kind == "side_lunge":
        ends = [f" to the {event.side}{t}" for t in times]
        return _with([("does a side lunge", "doing a side lunge"), ("lunges sideways", "lunging sideways")], ends)
    ends = [f" with the {event.side} foot in front{t}" for t in times] + [*times]
    return _with([("lunges", "lunging"), ("does a lunge", "doing a lunge")], ends)


def _reach_floor(event: Event) -> Pairs:
    hand = _hand(event.side)
    times = _times(event.count)
    said = [(f"reaches down to the floor with {h}", f"reaching down to the floor with {h}") for h in hand]
    said += [
        (f"bends down and touches the ground with {h}", f"bending down and touching the ground with {h}") for h in hand
    ]
    said += [("reaches down to the floor", "reaching down to the floor")]
    said += [("bends down to the ground", "bending down to the ground")]
    if event.count == 1:
        # What is in the hand is not in the data: nobody can tell one from the other.
        said += [("picks something up from the floor", "picking something up from the floor")] * 2
        said += [("puts something down on the floor", "putting something down on the floor")] * 2
        said += [(f"picks something up with {h}", f"picking something up with {h}") for h in hand]
    return _with(said, times)


def _lie(event: Event) -> Pairs:
    if event.side == "back":
        return [
            ("lies down on their back", "lying down on their back"),
            ("lies down on the floor", "lying down on the floor"),
            ("gets down and lies on the back", "getting down and lying on the back"),
        ]
    if event.side == "front":
        return [
            ("gets down and lies face down", "getting down and lying face down"),
            ("goes down to the floor, face down", "going down to the floor, face down"),
        ]
    return [
        ("lies down on the floor", "lying down on the floor"),
        ("gets down and lies on the ground", "getting down and lying on the ground"),
    ]


def _kneel(event: Event) -> Pairs:
    return [
        (f"kneels down on the {event.side} knee", f"kneeling down on the {event.side} knee"),
        ("kneels on one knee", "kneeling on one knee"),
        ("goes down on one knee and gets up", "going down on one knee and getting up"),
    ]


_MAKERS = {
    "walk": _walk,
    "run": _walk,
    "crouch_walk": _crouch_walk,
    "turn": _turn,
    "turn_in_place": _turn,
    "raise": _raise,
    "wave": _wave,
    "jump": _jump,
    "kick": _kick,
    "lift_leg": _lift,
    "lift_knee": _lift,
    "hold_high": _hold,
    "hold_ahead": _hold,
    "hold_aside": _hold,
    "hold_near": _hold,
    "squat": _squat,
    "lunge": _lunge,
    "side_lunge": _lunge,
    "reach_floor": _reach_floor,
    "lie": _lie,
    "kneel": _kneel,
}

_FIXED: dict[str, Pairs] = {
    "bow": [
        ("bows", "bowing"),
        ("bends forward", "bending forward"),
        ("bends over", "bending over"),
        ("leans forward", "leaning forward"),
        ("takes a bow", "taking a bow"),
    ],
    "still": [("stands still", "standing still"), ("stands without moving", "standing without moving")],
    "sit": [
        ("sits down", "sitting down"),
        ("sits down on a chair", "sitting down on a chair"),
        ("takes a seat", "taking a seat"),
        ("sits down on something", "sitting down on something"),
    ],
    "sitting": [("sits", "sitting"), ("is sitting", "sitting"), ("sits on a chair", "sitting on a chair")],
    "stand_up": [
        ("stands up", "standing up"),
        ("gets up from the chair", "getting up from the chair"),
        ("stands up from sitting", "standing up from sitting"),
        ("rises from the seat", "rising from the seat"),
    ],
    "get_up": [
        ("gets up from the floor", "getting up from the floor"),
        ("stands up from the ground", "standing up from the ground"),
    ],
    "lying": [("lies on the floor", "lying on the floor"), ("is lying on the ground", "lying on the ground")],
    "crawl": [
        ("crawls on the floor", "crawling on the floor"),
        ("crawls along the ground", "crawling along the ground"),
    ],
    "clap": [
        ("claps", "clapping"),
        ("claps their hands", "clapping their hands"),
        ("is clapping", "clapping the hands"),
    ],
}
