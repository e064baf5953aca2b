"""Volume room: CT-like volumes with exact labels.

In: a template, a subject or case, drawn numbers. Out: images in HU, labels, displacement in mm, on
one grid in the head frame (RAS+, mm). `anatomy` says what lies where, `field` how it moves,
`imaging` what a scanner makes of it; the files beside them compose cases of these.
"""

from augment.volume.anatomy.spec import AtlasSpec, draw_atlas_spec
from augment.volume.atlas import Atlas, build_atlas
from augment.volume.case_scan import CaseVolumes, scan_twins, write_case
from augment.volume.field.twins import twin_fields
from augment.volume.imaging.protocol import PROTOCOLS, Scan, draw_scan
from augment.volume.template import load_template

__all__ = [
    "PROTOCOLS",
    "Atlas",
    "AtlasSpec",
    "CaseVolumes",
    "Scan",
    "build_atlas",
    "draw_atlas_spec",
    "draw_scan",
    "load_template",
    "scan_twins",
    "twin_fields",
    "write_case",
]
