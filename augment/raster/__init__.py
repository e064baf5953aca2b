"""Rasterizing: from a mesh and a camera to Fragments, and what is interpolated from them.

Enters: vertices (mm), triangles, an OpenCV camera. Leaves: per-pixel triangle, barycentric
coordinates, depth (mm), and attributes or texels read through them at pixel centres, never
anti-aliased. One way in, `rasterize`; behind it numba, torch and PyTorch3D.
"""
