"""Units of length in files, and which one a file is in when it does not say."""

from __future__ import annotations

from math import isfinite, log

from dimo.errors import RequestError

UNITS = {
    "m": 1.0,
    "dm": 0.1,
    "cm": 0.01,
    "mm": 0.001,
    "inch": 0.0254,
    "foot": 0.3048,
    "cmu": 0.0254 / 0.45,
}
"""Metres of each unit; "cmu" is the unit of the CMU database's skeletons, an inch divided by 0.45."""

SPELLINGS = {
    **dict.fromkeys(("metre", "metres", "meter", "meters"), "m"),
    **dict.fromkeys(("centimetre", "centimetres", "centimeter", "centimeters"), "cm"),
    **dict.fromkeys(("millimetre", "millimetres", "millimeter", "millimeters"), "mm"),
    **dict.fromkeys(("decimetre", "decimetres", "decimeter", "decimeters"), "dm"),
    **dict.fromkeys(("in", "inches"), "inch"),
    **dict.fromkeys(("ft", "feet"), "foot"),
}

STATURE, SPREAD = 1.65, 0.25
"""Metres that a person is tall, and the spread of its logarithm: 1.0 to 2.7 m within two of them."""

RARITY = {"m": 0.0, "cm": 0.0, "mm": 0.5, "inch": 1.5, "dm": 1.5, "cmu": 1.5, "foot": 2.5}
"""What using a unit costs, in nats: metres and centimetres are what nearly every tool writes."""


def metres_of(unit: str | float) -> float:
    """Metres of a unit by its name, or a number of metres; RequestError lists the names."""
    word = str(unit).strip().lower()
    word = SPELLINGS.get(word, word)
    if word in UNITS:
        return UNITS[word]
    try:
        metres = float(word)
    except ValueError:
        metres = 0.0
    if not (isfinite(metres) and 1e-6 <= metres <= 1e6):
        raise RequestError(
            f"no unit {str(unit)[:40]!r}: there are {', '.join(UNITS)}, or a number of metres such as 0.0254"
        )
    return metres


def name_of(metres: float) -> str:
    """The unit of so many metres by its name, or as a number of metres."""
    return next((name for name, m in UNITS.items() if abs(m - metres) < 1e-12), f"{metres:g} m")


def guess_unit(height: float) -> str:
    """The likeliest unit of a body that is `height` units tall: Gaussian in the logarithm of metres, and by rarity."""
    if height <= 0:
        return "m"
    return min(UNITS, key=lambda u: (log(height * UNITS[u] / STATURE) / SPREAD) ** 2 / 2 + RARITY[u])
