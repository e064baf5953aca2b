"""Volume room: CT-like volumes with exact labels.

In: a template mesh or a subject, pathologies, recipe values. Out: images in HU, labels, displacement in mm, on one grid in the
head frame (RAS+, mm).
"""
