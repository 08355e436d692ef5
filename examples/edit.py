"""Change two seconds of a motion and let it go on: python examples/edit.py [clip.bvh]"""

import sys

import dimo

model = dimo.DiMo.from_pretrained()
if len(sys.argv) > 1:
    motion = dimo.Motion.load(sys.argv[1])
else:
    motion = model.generate("a person walks forward", seconds=6, seed=0)[0]

made = model.edit(motion, replace=(2, 4), text="a person raises both hands", seed=0)[0]
longer = model.predict(made, seconds=3, text="a person turns left", seed=0)[0]
assert (longer.root[: round(2 * motion.fps)] == motion.root[: round(2 * motion.fps)]).all()  # kept to the bit
print(longer.save("edited.glb"), longer)
