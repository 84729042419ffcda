"""One runnable file for each table of the documentation: ``python -m benchmarks`` runs them all."""
