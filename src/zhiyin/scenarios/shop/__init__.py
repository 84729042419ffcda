"""What a shop needs beyond lists: product pages, what goes with a product, advertisements."""
