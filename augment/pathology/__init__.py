"""Pathologies: a healthy subject and clinical requests enter, a solved case with its displacement
leaves.

Everything is in the head frame (RAS+, mm); severities are in the unit of their clinical measure.
"""

from augment.pathology.basis import PathologyBasis
from augment.pathology.case import Case, Request, SolvedPathology
from augment.pathology.catalogue import PATHOLOGIES, find_pathology
from augment.pathology.deformation import Deformation
from augment.pathology.entry import Grade, Pathology
from augment.pathology.solve import solve_case

__all__ = [
    "PATHOLOGIES",
    "Case",
    "Deformation",
    "Grade",
    "Pathology",
    "PathologyBasis",
    "Request",
    "SolvedPathology",
    "find_pathology",
    "solve_case",
]
