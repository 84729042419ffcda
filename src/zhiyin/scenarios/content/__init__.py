"""For whoever writes and edits: what people read and discuss, and help with writing for them."""
