"""Teaching the face network: renders of the pipeline enter, weights leave.

Pictures are those of a recipe, by number; points are pixels of a picture (x right, y down, the
centre of pixel (0, 0) is (0.5, 0.5)) or millimetres of the head frame.
"""

from augment.face_training.renders import FaceRender, RenderMaker

__all__ = ["FaceRender", "RenderMaker"]
