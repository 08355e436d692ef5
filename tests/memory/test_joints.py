"""Where the joints of remembered motions were."""

import numpy as np

from dimo.memory.joints import JointStore


def test_poses_are_kept_to_half_a_centimetre():
    generator = np.random.default_rng(1)
    motions = [generator.uniform(-0.6, 0.6, (n, 4, 3)) + np.array([50, 1, -20]) for n in (5, 8)]
    poses = JointStore.of(motions)
    for number, motion in enumerate(motions):
        there = poses.at(np.array(number), np.arange(0, len(motion), 2))
        assert np.abs(there - (motion[::2] - motion[0, 0] * [1, 0, 1])).max() <= 0.005 + 1e-5
    both = poses.at(np.array([0, 1]), np.array([3, 1]))  # odd frames lie between their neighbours
    for got, motion, frame in zip(both, motions, (3, 1), strict=True):
        assert np.allclose(got, (motion[frame - 1] + motion[frame + 1]) / 2 - motion[0, 0] * [1, 0, 1], atol=0.006)
    assert np.array_equal(poses.at(np.array(0), np.array([-3, 99])), poses.at(np.array(0), np.array([0, 4])))
