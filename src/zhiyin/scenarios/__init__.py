"""What a shop, a content site and a community need beyond lists."""
