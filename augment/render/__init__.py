"""Rendering: from a head, a camera and an appearance to the picture and every label.

Enters: vertices in the head frame (mm), an OpenCV camera, an appearance. Leaves: the picture and
its labels, read from the same Fragments of `augment.raster`.
"""
