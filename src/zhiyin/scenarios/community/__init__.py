"""A community: circles of people, their feed."""
