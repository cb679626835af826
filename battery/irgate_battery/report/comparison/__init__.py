"""Reports of several solvers side by side: what is read, what is compared, how it is laid out."""
