"""Makes ``fuzzing`` known to the tests of both APIs."""
