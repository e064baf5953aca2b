"""CT slices and segmentations as DICOM objects; the one importer of pydicom and highdicom."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from highdicom.seg import Segmentation, SegmentDescription
from jaxtyping import Float, Int16, Shaped
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sr.coding import Code
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from pydicom.valuerep import DSfloat

from augment.writer.export.dicom import Identifiers
from augment.writer.export.source import Case

LPS_FROM_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
CT_SERIES, SEGMENTATION_SERIES = 1, 2
MAKER, MODEL, SERIAL = "facies", "facies", "0"
# No date is known: the same data set gives the same bytes.
DATE, TIME = "19700101", "000000"
SCHEME = "99FACIES"
# Centre and width in which soft tissue and bone are both seen.
WINDOW_HU = (300, 2000)
ANATOMY = Code("123037004", "SCT", "Anatomical Structure")
SEX = {"female": "F", "male": "M"}


def ct_slices(
    values: Int16[np.ndarray, "x y z"],
    ras_from_voxel: Float[np.ndarray, "4 4"],
    identifiers: Identifiers,
    case: Case,
) -> list[Dataset]:
    """Return a volume as CT images, one a slice along z, in order.

    Columns of an image run along x, rows along y. Values are stored as they are: rescale slope 1,
    intercept 0, signed 16 bit.

    Args:
        values: Voxels in HU.
        ras_from_voxel: Affine from voxel centres to RAS mm, without shear.
        identifiers: Unique identifiers of the case.
        case: What is known about it.
    """
    slices = []
    for place in range(values.shape[2]):
        dataset = _patient(identifiers, case)
        dataset.SOPClassUID = CTImageStorage
        dataset.SOPInstanceUID = identifiers.uid(f"slice {place}")
        dataset.Modality = "CT"
        dataset.SeriesInstanceUID = identifiers.uid("ct")
        dataset.SeriesNumber = CT_SERIES
        dataset.SeriesDescription = f"facies CT, {case.twin}"
        dataset.ImageType = ["DERIVED", "SECONDARY", "AXIAL"]
        dataset.InstanceNumber = place + 1
        dataset.AcquisitionNumber = 1
        dataset.KVP = None
        dataset.RescaleSlope, dataset.RescaleIntercept, dataset.RescaleType = 1, 0, "HU"
        dataset.WindowCenter, dataset.WindowWidth = WINDOW_HU
        _set_place(dataset, LPS_FROM_RAS @ ras_from_voxel, place)
        _set_pixels(dataset, values[:, :, place].T)
        slices.append(dataset)
    return slices


def segmentation(
    slices: Sequence[Dataset],
    labels: Shaped[np.ndarray, "x y z"],
    names: Sequence[tuple[int, str]],
    identifiers: Identifiers,
) -> Dataset:
    """Return labels as a binary DICOM segmentation of a CT series.

    Args:
        slices: Images of `ct_slices`.
        labels: Label of each voxel, on their grid.
        names: Value and name of each segment, in order; segment 1 is the first.
        identifiers: Unique identifiers of the case.
    """
    segment_of = np.zeros(int(labels.max()) + 1, dtype=np.uint8)
    segment_of[[value for value, _ in names]] = np.arange(1, len(names) + 1)
    dataset = Segmentation(
        source_images=list(slices),
        pixel_array=np.ascontiguousarray(segment_of[labels].transpose(2, 1, 0)),
        segmentation_type="BINARY",
        segment_descriptions=_segments(names),
        series_instance_uid=identifiers.uid("segmentation series"),
        series_number=SEGMENTATION_SERIES,
        sop_instance_uid=identifiers.uid("segmentation"),
        instance_number=1,
        manufacturer=MAKER,
        manufacturer_model_name=MODEL,
        software_versions=MODEL,
        device_serial_number=SERIAL,
        content_label="FACIES",
        content_description="exact labels of the generated anatomy",
        series_description="facies labels",
    )
    _fix(dataset, identifiers.uid("dimensions"))
    return dataset


def _segments(names: Sequence[tuple[int, str]]) -> list[SegmentDescription]:
    return [
        SegmentDescription(
            segment_number=number,
            segment_label=name,
            segmented_property_category=ANATOMY,
            segmented_property_type=Code(str(value), SCHEME, name),
            algorithm_type="MANUAL",
        )
        for number, (value, name) in enumerate(names, start=1)
    ]


def write_dataset(dataset: Dataset, path: Path) -> None:
    """Write a DICOM file, with its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)


def _patient(identifiers: Identifiers, case: Case) -> Dataset:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.PatientID = identifiers.patient
    dataset.PatientName = f"{identifiers.patient}^synthetic"
    dataset.PatientBirthDate = ""
    dataset.PatientSex = SEX.get(str(case.facts.get("sex")), "")
    age = case.facts.get("age_years")
    if age is not None:
        dataset.PatientAge = f"{int(age):03d}Y"
    dataset.StudyInstanceUID = identifiers.uid("study")
    dataset.StudyID = case.twin[:16]
    dataset.StudyDescription = f"facies, {case.twin} twin"
    dataset.StudyDate, dataset.StudyTime = "", ""
    dataset.AccessionNumber = dataset.ReferringPhysicianName = ""
    dataset.FrameOfReferenceUID = identifiers.frame
    dataset.PositionReferenceIndicator = ""
    dataset.Manufacturer, dataset.ManufacturerModelName = MAKER, MODEL
    dataset.DeviceSerialNumber, dataset.SoftwareVersions = SERIAL, MODEL
    return dataset


def _set_place(dataset: Dataset, lps_from_voxel: Float[np.ndarray, "4 4"], place: int) -> None:
    spacing = np.linalg.norm(lps_from_voxel[:3, :3], axis=0)
    directions = lps_from_voxel[:3, :3] / spacing
    position = lps_from_voxel @ [0, 0, place, 1]
    dataset.PatientPosition = "HFS"
    dataset.ImageOrientationPatient = _decimals(directions[:, :2].T.ravel())
    dataset.ImagePositionPatient = _decimals(position[:3])
    dataset.PixelSpacing = _decimals(spacing[[1, 0]])
    dataset.SliceThickness, dataset.SpacingBetweenSlices = _decimals(spacing[[2, 2]])


def _set_pixels(dataset: Dataset, pixels: Int16[np.ndarray, "rows columns"]) -> None:
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 16, 15
    dataset.PixelRepresentation = 1
    dataset.PixelData = np.ascontiguousarray(pixels).astype("<i2").tobytes()


def _decimals(numbers: Float[np.ndarray, " n"]) -> list[DSfloat]:
    # A decimal string holds 16 characters; adding 0 turns -0 into 0.
    return [DSfloat(float(number) + 0.0, auto_format=True) for number in numbers]


def _fix(dataset: Dataset, dimensions_uid: str) -> None:
    """Replace the clock and the random identifier that highdicom puts in."""
    for keyword in ("Content", "InstanceCreation", "Series", "Acquisition"):
        for part, value in (("Date", DATE), ("Time", TIME)):
            if f"{keyword}{part}" in dataset:
                setattr(dataset, f"{keyword}{part}", value)
    for item in dataset.get("ContributingEquipmentSequence", []):
        if "ContributionDateTime" in item:
            item.ContributionDateTime = f"{DATE}{TIME}"
    for keyword in ("DimensionOrganizationSequence", "DimensionIndexSequence"):
        for item in dataset.get(keyword, []):
            item.DimensionOrganizationUID = dimensions_uid
