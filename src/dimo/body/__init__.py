"""Rotations, skeletons, motions, kinematics. Numpy only."""
