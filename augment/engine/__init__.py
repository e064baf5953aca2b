"""Engines: where samples are made and in how many processes."""
