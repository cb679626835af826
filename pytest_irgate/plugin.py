"""The pytest entry point: options, markers and fixtures; everything else is imported on demand."""
