"""A personal feed: one entry a conversation, each with where it comes from."""

from zhiyin.scenarios.community.feed.entries import Entry, Feed, feed

__all__ = ["Entry", "Feed", "feed"]
