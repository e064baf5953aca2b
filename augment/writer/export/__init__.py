"""Exporters: from a finished data set to the layouts of other tools.

What enters: the folder of a data set, read through its tables and compared with its checksums.
What leaves: a new folder that nnU-Net, MONAI, COCO, WebDataset, BIDS or DICOM tools open, in whose
frames and units everything is; card, licences, citation, severities and twins' pairs travel along.
"""

from augment.writer.export.table import EXPORTERS, export_dataset

__all__ = ["EXPORTERS", "export_dataset"]
