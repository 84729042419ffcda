"""Profiles: what the system believes of a person, from which events, and what the person says of it."""
