"""Anatomy room: from a template mesh and an `AtlasSpec` to a label volume, one file per anatomical
part.

Coordinates are head-frame millimetres of the average adult: x right, y anterior, z superior, origin
midway between the tragia.
"""
