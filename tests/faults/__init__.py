"""The fault collection: solvers that are broken on purpose, each in one place."""
