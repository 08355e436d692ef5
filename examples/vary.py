"""Four near neighbours of a motion, and a few motions from nothing: python examples/vary.py"""

import dimo

model = dimo.DiMo.from_pretrained()
motion = model.generate("a person walks forward", seconds=5, seed=0)[0]
for i, near in enumerate(model.vary(motion, 0.4, samples=4, seed=0)):
    print(near.save(f"near_{i}.glb"), near)
print(model.sample(seconds=5, seed=0)[0].save("any.glb"))
