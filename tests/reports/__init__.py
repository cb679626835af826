"""Public bug reports of registration code, each as a small solver with that fault."""
