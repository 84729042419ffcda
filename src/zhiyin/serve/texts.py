"""What every text of a request must be."""

from __future__ import annotations

TEXT = r"^[^\x00]*$"
"""Any text that a database can hold."""
