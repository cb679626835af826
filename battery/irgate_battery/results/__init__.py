"""What one item and one suite yield: rows, verdicts, and the text that shows them."""
