"""What is registered: the catalogue, its perturbations, a user's own pairs and image files."""
