"""The face network, which lives with all else that photographs need."""

from augment.portrait.network import FaceNetwork as FaceNetwork
