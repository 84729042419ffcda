"""Does a text offend? Readers of signs, of their runs, of word pieces and of meanings, weighed and calibrated."""
