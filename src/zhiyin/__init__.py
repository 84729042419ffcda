"""Zhiyin (知音): a personalised recommender that a team hosts itself."""
