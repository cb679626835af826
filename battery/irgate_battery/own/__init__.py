"""A user's own image pairs: named, read, made ready, doubted, judged."""
