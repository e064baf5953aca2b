"""Writers: from samples to a data set folder and back.

What enters: `augment.record.SampleRecord`, in the frames and units of the data set.
What leaves: a folder with one sub-folder a sample, three tables, card, contact sheet, checksums.
Samples are moved in whole, so a killed run leaves a valid beginning that the same command resumes.
"""
