"""Tuning within a budget: Optuna's search over what the models say of themselves, resumable, on validation alone.

Needs the package optuna.
"""
