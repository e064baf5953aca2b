"""Rendering: from a mesh and a camera to Fragments, and from Fragments to every label and picture.

Enters: vertices in the head frame (mm), triangles, an OpenCV camera. Leaves: per-pixel triangle,
barycentric coordinates, depth (mm), and what is interpolated from them. Labels are read at pixel
centres and never anti-aliased.
"""
