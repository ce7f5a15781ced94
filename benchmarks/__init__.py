"""Measurements of anaphora against plain twins of the textbooks' systems; `make bench` runs them all."""
