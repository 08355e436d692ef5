"""Motion goes to every packaged body and back."""

import numpy as np
import pytest

from dimo.body.motion import Motion
from dimo.body.retarget import retarget
from dimo.body.rotation import rotvec_to_quat
from dimo.body.skeleton import preset, preset_names
from dimo.errors import RequestError

BODY = preset("humanml3d")


def swinging(frames: int = 9) -> Motion:
    """A body that moves ahead and swings its arms and legs by up to 0.6 rad."""
    angles = np.zeros((frames, len(BODY), 3))
    swing = 0.6 * np.sin(np.linspace(0, 2 * np.pi, frames))
    for side, sign in (("left", 1), ("right", -1)):
        angles[:, BODY.index(f"{side}_hip"), 0] = sign * swing
        angles[:, BODY.index(f"{side}_shoulder"), 0] = -sign * swing
        angles[:, BODY.index(f"{side}_elbow"), 1] = -np.abs(swing)
    root = np.stack([np.zeros(frames), np.full(frames, 0.93), np.linspace(0, 1, frames)], axis=1)
    return Motion(BODY, 20.0, root, rotvec_to_quat(angles))


@pytest.mark.parametrize("name", preset_names())
def test_there_and_back_keeps_the_pose_within_centimetres(name):
    there = retarget(swinging(), preset(name))
    assert there.skeleton == preset(name)
    back, joints = retarget(there).joints(), swinging().joints()
    error = np.linalg.norm((back - back[:, :1]) - (joints - joints[:, :1]), axis=-1)
    # KIT's body has no collar bones, so its shoulders cannot move out as far.
    mean, largest = (0.02, 0.07) if name == "kit" else (0.012, 0.06)
    assert error.mean() < mean
    assert error.max() < largest


def test_a_body_of_unknown_names_is_refused_by_its_names():
    from dimo.body.skeleton import Skeleton

    odd = Skeleton(("base", "link1", "link2"), (-1, 0, 1), np.eye(3))
    with pytest.raises(RequestError, match="link"):
        retarget(swinging(), odd)
