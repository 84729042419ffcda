"""Reading and checking files of events, items and users."""
