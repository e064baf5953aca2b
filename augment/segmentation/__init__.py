"""Few-shot segmentation: does the synthetic data help on real cases, and where does it hurt?

In: label arrays of real cases on their own grids, spacing in mm. Out: scores a case and class,
paired statistics, a report, and the choice of how to train.
"""
