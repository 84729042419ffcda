"""2. From stored events to arrays: cleaning, id maps, histories, splits."""
