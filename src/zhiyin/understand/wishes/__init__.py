"""Wishes: what a person asks for in plain words, and what a catalogue has of it."""
