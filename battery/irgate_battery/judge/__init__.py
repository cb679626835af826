"""What an answer is worth: measurement, acceptance, and every limit in one table."""
