"""Join two motions by frames that lead from one to the other: python examples/inbetween.py"""

import dimo

model = dimo.DiMo.from_pretrained()
walk = model.generate("a person walks forward", seconds=3, seed=0)[0]
wave = model.generate("a person waves with the right hand", seconds=3, seed=0)[0]

# Where the wave happens: 1.5 m further on, turned to the left.
wave = wave.moved(walk.root[-1] * [1, 0, 1] + [0.5, 0, 1.4], yaw=0.6)
both = model.inbetween(walk, wave, seconds=1.5, seed=0)[0]
print(both.save("inbetween.glb"), both)
