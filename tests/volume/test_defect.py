import numpy as np

from augment.pathology.defect import CENTRE_MM
from augment.volume.defect import cut_bone
from augment.volume.labels import NUMBER


def test_only_the_vaults_bone_inside_the_outline_is_cut():
    points = np.array([CENTRE_MM, CENTRE_MM, np.add(CENTRE_MM, [0, 0, 31.0]), CENTRE_MM])
    points[3, 0] *= -1
    bone, brain = NUMBER["cranium_cortical"], NUMBER["brain"]
    labels = np.array([bone, brain, bone, bone], np.uint8).reshape(4, 1, 1)
    opened = cut_bone(labels, points.reshape(4, 1, 1, 3), "right", 30.0)
    assert opened.ravel().tolist() == [NUMBER["muscle"], brain, bone, bone]
    left = cut_bone(labels, points.reshape(4, 1, 1, 3), "left", 30.0)
    assert left.ravel().tolist() == [bone, brain, bone, NUMBER["muscle"]]
