"""Interests: learned, named and kept stable."""
