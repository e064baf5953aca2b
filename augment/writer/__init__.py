"""Writers: from samples to a data set folder, and back."""
