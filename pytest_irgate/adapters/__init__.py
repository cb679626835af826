"""Solvers that the gate knows by name; each module is imported only when it is named."""
