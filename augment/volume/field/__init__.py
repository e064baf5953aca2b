"""The dense field: from the skin's displacement to a displacement of every point, and back.

Enters: vertices of twins, expression and jaw, fractures and defects. Leaves: displacements in mm on
lattices of the head or the scan frame, each with its inverse.
"""
