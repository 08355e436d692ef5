"""Motions as pictures."""

SUFFIXES = (".png", ".gif", ".mp4", ".html")
"""What dimo.view.video writes."""
