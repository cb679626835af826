"""irgate_solver: under construction."""
