"""Clinical measures: named points, meshes and sections of a head enter, one number leaves.

Points and meshes may be in any frame, mm; angles are degrees, ratios percent, volumes cm³, areas cm².
No measure knows of fields or coefficients: each works on any landmarked head.
"""

from augment.pathology.measures.cephalometric import (
    MALAR_OUTWARD,
    anb_deg,
    angle_deg,
    excursion_loss_percent,
    gonion_gnathion_mm,
    hemiface_loss_mm,
    hertel_mm,
    interorbital_mm,
    lid_margin_mm,
    lip_height_mm,
    malar_depression_mm,
    menton_deviation_mm,
    nasal_axis_deg,
    nasal_width_mm,
    oral_cant_deg,
    ramus_ratio,
    reverse_anb_deg,
    sn_gogn_deg,
    sna_deg,
    snb_deg,
    subnasale_deviation_mm,
    zygomatic_axis_deg,
)
from augment.pathology.measures.frame import Named, frankfort, vault_frame
from augment.pathology.measures.head_shape import head_shape_map
from augment.pathology.measures.vault import (
    Vault,
    cephalic_ratio_percent,
    cvai_percent,
    forehead_asymmetry_percent,
    interfrontal_angle_deg,
    scaphocephaly_index_percent,
    vault_height_percent,
    vault_of,
)
from augment.pathology.measures.volume import (
    area_above_cm2,
    swelling_cm3,
    volume_cm3,
    volume_ratio_percent,
)

__all__ = [
    "MALAR_OUTWARD",
    "Named",
    "Vault",
    "anb_deg",
    "angle_deg",
    "area_above_cm2",
    "cephalic_ratio_percent",
    "cvai_percent",
    "excursion_loss_percent",
    "forehead_asymmetry_percent",
    "frankfort",
    "gonion_gnathion_mm",
    "head_shape_map",
    "hemiface_loss_mm",
    "hertel_mm",
    "interfrontal_angle_deg",
    "interorbital_mm",
    "lid_margin_mm",
    "lip_height_mm",
    "malar_depression_mm",
    "menton_deviation_mm",
    "nasal_axis_deg",
    "nasal_width_mm",
    "oral_cant_deg",
    "ramus_ratio",
    "reverse_anb_deg",
    "scaphocephaly_index_percent",
    "sn_gogn_deg",
    "sna_deg",
    "snb_deg",
    "subnasale_deviation_mm",
    "swelling_cm3",
    "vault_frame",
    "vault_height_percent",
    "vault_of",
    "volume_cm3",
    "volume_ratio_percent",
    "zygomatic_axis_deg",
]
