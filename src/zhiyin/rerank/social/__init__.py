"""Stages of a feed: people near, what was turned away, what people do with an item, authors, conversations."""
