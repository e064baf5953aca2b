"""Imaging: from tissues on a grid to what a scanner or an X-ray film shows of them.

Enters: labels and their shares on a voxel grid, a protocol, drawn numbers. Leaves: HU, random
contrasts, T1-like values, or a projection.
"""
