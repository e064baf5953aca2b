"""The closed table of labels of a volume: number, name, tissue and colour, in anatomical groups.

The numbers are part of the file format: a label keeps its number for ever; new ones are appended.
"""

from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType


class Tissue(Enum):
    """What a scanner sees: labels of one tissue share one distribution of Hounsfield units."""

    AIR = "air"
    SKIN = "skin"
    FAT = "fat"
    MUSCLE = "muscle"
    GLAND = "gland"
    MUCOSA = "mucosa"
    BRAIN = "brain"
    FLUID = "fluid"
    VITREOUS = "vitreous"
    LENS = "lens"
    CARTILAGE = "cartilage"
    LUNG = "lung"
    VESSEL = "vessel"
    SKULL_CORTEX = "skull_cortex"
    DIPLOE = "diploe"
    THIN_BONE = "thin_bone"
    DENSE_BONE = "dense_bone"
    MANDIBLE_CORTEX = "mandible_cortex"
    MANDIBLE_MARROW = "mandible_marrow"
    VERTEBRA_CORTEX = "vertebra_cortex"
    VERTEBRA_MARROW = "vertebra_marrow"
    TRUNK_CORTEX = "trunk_cortex"
    TRUNK_MARROW = "trunk_marrow"
    ENAMEL = "enamel"
    DENTIN = "dentin"
    METAL = "metal"
    DEVICE = "device"
    WHITE_MATTER = "white_matter"


@dataclass(frozen=True)
class Label:
    """One row of the label table.

    Attributes:
        number: Voxel value, 0 for air.
        name: Unique snake-case name; ``_left`` and ``_right`` are the patient's.
        tissue: What the scanner sees there.
        colour: Red, green, blue, 0-255, for viewers.
    """

    number: int
    name: str
    tissue: Tissue
    colour: tuple[int, int, int]


_BONE, _MARROW, _RED, _BLUE = (241, 214, 145), (216, 170, 110), (220, 90, 80), (120, 180, 230)
_ROWS = (
    (0, "air", Tissue.AIR, (0, 0, 0)),
    (1, "skin", Tissue.SKIN, (232, 190, 172)),
    (2, "fat", Tissue.FAT, (245, 222, 120)),
    (3, "muscle", Tissue.MUSCLE, (178, 76, 70)),
    (4, "tongue", Tissue.MUSCLE, (205, 92, 112)),
    (5, "parotid_left", Tissue.GLAND, (190, 140, 200)),
    (6, "parotid_right", Tissue.GLAND, (180, 130, 190)),
    (7, "submandibular_left", Tissue.GLAND, (170, 120, 200)),
    (8, "submandibular_right", Tissue.GLAND, (160, 110, 190)),
    (9, "thyroid", Tissue.GLAND, (150, 100, 180)),
    (10, "mucosa", Tissue.MUCOSA, (225, 130, 140)),
    (11, "airway_nasal", Tissue.AIR, (90, 200, 240)),
    (12, "airway_oral", Tissue.AIR, (80, 180, 240)),
    (13, "airway_pharyngeal", Tissue.AIR, (70, 160, 240)),
    (14, "frontal_sinus", Tissue.AIR, (130, 230, 220)),
    (15, "maxillary_sinus", Tissue.AIR, (110, 220, 200)),
    (16, "ethmoid_sinus", Tissue.AIR, (90, 210, 190)),
    (17, "sphenoid_sinus", Tissue.AIR, (70, 200, 180)),
    (18, "ear_air", Tissue.AIR, (60, 190, 170)),
    (19, "cranium_cortical", Tissue.SKULL_CORTEX, _BONE),
    (20, "cranium_trabecular", Tissue.DIPLOE, _MARROW),
    (21, "petrous", Tissue.DENSE_BONE, (250, 235, 190)),
    (22, "skull_base", Tissue.THIN_BONE, (235, 205, 150)),
    (23, "maxilla_cortical", Tissue.THIN_BONE, (245, 225, 165)),
    (24, "maxilla_trabecular", Tissue.DIPLOE, (222, 184, 125)),
    (25, "zygoma_left_cortical", Tissue.SKULL_CORTEX, (200, 220, 150)),
    (26, "zygoma_left_trabecular", Tissue.DIPLOE, (180, 200, 130)),
    (27, "zygoma_right_cortical", Tissue.SKULL_CORTEX, (150, 220, 200)),
    (28, "zygoma_right_trabecular", Tissue.DIPLOE, (130, 200, 180)),
    (29, "nasal_bone", Tissue.THIN_BONE, (250, 200, 120)),
    (30, "nasal_septum", Tissue.CARTILAGE, (200, 210, 220)),
    (31, "mandible_cortical", Tissue.MANDIBLE_CORTEX, _RED),
    (32, "mandible_trabecular", Tissue.MANDIBLE_MARROW, (190, 70, 60)),
    (33, "teeth_upper_crown", Tissue.ENAMEL, (255, 255, 245)),
    (34, "teeth_upper_root", Tissue.DENTIN, (245, 240, 215)),
    (35, "teeth_lower_crown", Tissue.ENAMEL, (250, 250, 255)),
    (36, "teeth_lower_root", Tissue.DENTIN, (230, 230, 245)),
    (37, "dental_metal", Tissue.METAL, (120, 120, 140)),
    (38, "orbit_fat_left", Tissue.FAT, (240, 230, 150)),
    (39, "orbit_fat_right", Tissue.FAT, (235, 225, 140)),
    (40, "globe_left", Tissue.VITREOUS, (150, 190, 250)),
    (41, "globe_right", Tissue.VITREOUS, (140, 180, 245)),
    (42, "lens_left", Tissue.LENS, (90, 120, 220)),
    (43, "lens_right", Tissue.LENS, (80, 110, 215)),
    (44, "eye_muscle", Tissue.MUSCLE, (170, 70, 90)),
    (45, "optic_nerve", Tissue.BRAIN, (240, 200, 90)),
    (46, "brain", Tissue.BRAIN, (200, 180, 190)),
    (47, "csf", Tissue.FLUID, _BLUE),
    (48, "spinal_cord", Tissue.BRAIN, (220, 200, 120)),
    (49, "vertebra_cortical", Tissue.VERTEBRA_CORTEX, (210, 190, 160)),
    (50, "vertebra_trabecular", Tissue.VERTEBRA_MARROW, (190, 165, 135)),
    (51, "disc", Tissue.CARTILAGE, (160, 200, 190)),
    (52, "hyoid", Tissue.VERTEBRA_CORTEX, (255, 180, 100)),
    (53, "larynx_cartilage", Tissue.CARTILAGE, (180, 210, 200)),
    (54, "trunk_bone_cortical", Tissue.TRUNK_CORTEX, (225, 205, 175)),
    (55, "trunk_bone_trabecular", Tissue.TRUNK_MARROW, (205, 180, 150)),
    (56, "lung", Tissue.LUNG, (110, 150, 180)),
    (57, "vessel", Tissue.VESSEL, (210, 50, 60)),
    (58, "joint_disc", Tissue.CARTILAGE, (130, 220, 150)),
    (59, "ear_cartilage", Tissue.CARTILAGE, (225, 185, 165)),
    (60, "periosteum", Tissue.MUCOSA, (235, 140, 120)),
    (61, "bite_block", Tissue.DEVICE, (130, 160, 150)),
    (62, "mandibular_canal", Tissue.VESSEL, (200, 60, 90)),
    (63, "white_matter", Tissue.WHITE_MATTER, (235, 225, 225)),
)

LABELS: tuple[Label, ...] = tuple(Label(*row) for row in _ROWS)
NUMBER: MappingProxyType[str, int] = MappingProxyType(
    {label.name: label.number for label in LABELS}
)

MANDIBLE: tuple[int, ...] = (
    NUMBER["mandible_cortical"],
    NUMBER["mandible_trabecular"],
    NUMBER["teeth_lower_root"],
    NUMBER["mandibular_canal"],
)
"""Bone of the mandible with the roots of its teeth, without the crowns."""

MANDIBLE_CONTOUR: tuple[int, ...] = (*MANDIBLE, NUMBER["periosteum"])
"""What a clinician contours as mandible: the bone's outline, drawn a little outside its edge."""
