"""A long motion of several sentences: python examples/compose.py"""

import dimo

model = dimo.DiMo.from_pretrained()
day = model.compose(
    [
        ("a person walks forward", 4),
        ("a person raises the left hand", 3),
        ("a person turns left", 3),
        ("a person walks forward", 4),
        "a person bows",  # as long as it takes
    ],
    seed=0,
)[0]
print(day.save("day.glb"), day)
