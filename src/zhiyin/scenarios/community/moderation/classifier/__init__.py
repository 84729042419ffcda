"""Does a text offend? Readers of signs, runs of signs and meanings, weighed and calibrated; trained, and read."""
