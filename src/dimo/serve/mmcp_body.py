"""Bodies of the Motion Model Context Protocol: joints with a rest rotation each, where ours rest without any.

A joint's rotation is local to its parent and stands in the place of its rest rotation, as in glTF; rotations are x, y, z, w.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dimo.body.blend import local_rotations
from dimo.body.kinematics import forward, global_rotations
from dimo.body.mapping import find_naming
from dimo.body.motion import Motion
from dimo.body.retarget import retarget
from dimo.body.rotation import normalise, quat_continuous, quat_multiply
from dimo.body.skeleton import Skeleton
from dimo.errors import RequestError, ShapeError
from dimo.serve import mmcp_schemas as asked
from dimo.serve.mmcp_schemas import ProtocolError

FEET = {"left": "left_foot", "right": "right_foot"}


@dataclass(frozen=True)
class Body:
    """The skeleton of a request: ours, which has the same joints at rest, and the world rotations (J, 4) that those rest in."""

    skeleton: Skeleton
    rest: np.ndarray

    @staticmethod
    def of(given: asked.Skeleton) -> Body:
        """ProtocolError for joints that are no tree, or no biped."""
        names = [joint.name for joint in given.joints]
        places = {name: j for j, name in enumerate(names)}
        parents = []
        for j, joint in enumerate(given.joints):
            parent = -1 if joint.parent is None else places.get(joint.parent, j)
            if parent >= j:
                raise ProtocolError(
                    "invalid_skeleton",
                    f"joint {joint.name!r} has the parent {joint.parent!r}, which does not stand before it",
                )
            parents.append(parent)
        local = np.array([joint.rest_rotation for joint in given.joints])[:, [3, 0, 1, 2]]
        if (np.linalg.norm(local, axis=1) < 1e-6).any():
            raise ProtocolError("invalid_skeleton", "a rest rotation of zero length is none")
        local = normalise(local)
        offsets = np.array([joint.rest_translation for joint in given.joints])
        try:
            turned = global_rotations(Skeleton(tuple(names), tuple(parents), offsets), local[None])[0]
            rested = forward(Skeleton(tuple(names), tuple(parents), offsets), np.zeros((1, 3)), local[None])[0]
            ours = rested - np.where(np.array(parents)[:, None] >= 0, rested[np.maximum(parents, 0)], rested)
            body = Body(Skeleton(tuple(names), tuple(parents), ours, "request"), turned)
            find_naming(body.skeleton)
        except (ShapeError, RequestError) as error:
            raise ProtocolError("invalid_skeleton", str(error)) from None
        return body

    def rotations(self, motion: Motion) -> np.ndarray:
        """(F, J, 4) x, y, z, w of a motion on the skeleton, as the request's joints turn.

        A world rotation Q' of ours turns away from rest, so that of the request is Q' R with R its rest; local ones follow.
        """
        world = quat_multiply(motion.global_rotations(), self.rest)
        # A quaternion and its negative are one rotation; tools that interpolate between keys want the near one.
        return np.roll(quat_continuous(local_rotations(self.skeleton, world)), -1, axis=-1)

    def onto(self, motion: Motion) -> Motion:
        """A motion of ours on this body."""
        return motion if motion.skeleton == self.skeleton else retarget(motion, self.skeleton)

    def names(self) -> dict[str, str]:
        """Our joints to those that stand for them."""
        _, roles = find_naming(self.skeleton)
        return {role: self.skeleton.names[joints[0]] for role, joints in roles.items() if len(joints) == 1}


def canonical(skeleton: Skeleton) -> dict[str, object]:
    """A skeleton of ours as the protocol writes it, its root where the feet touch the ground."""
    rest = forward(skeleton, np.zeros((1, 3)), np.tile([1.0, 0, 0, 0], (1, len(skeleton), 1)))[0]
    offsets = skeleton.offsets.copy()
    offsets[0] = [0, -rest[:, 1].min(), 0]
    joints = [
        {
            "name": name,
            "parent": skeleton.names[parent] if parent >= 0 else None,
            "rest_translation": offset,
            "rest_rotation": [0.0, 0.0, 0.0, 1.0],
        }
        for name, parent, offset in zip(skeleton.names, skeleton.parents, offsets.tolist(), strict=True)
    ]
    return {"joints": joints, "coordinate_system": "right_handed_y_up", "units": "meters"}
