"""The report as one HTML page that opens from disk: its data, its parts, its scripts."""
