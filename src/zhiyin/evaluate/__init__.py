"""Honest offline measurement: metrics, intervals, slices, and the protocol beside every figure."""
