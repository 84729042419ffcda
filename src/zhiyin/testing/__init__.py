"""Conformance suites and tiny data with answers visible by eye, for our tests and for those of your own models."""
