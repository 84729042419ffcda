"""Advertisements among recommendations: campaigns, auction, pacing, caps, reports. See docs/ads.md."""
