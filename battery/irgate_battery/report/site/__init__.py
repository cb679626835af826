"""A leaderboard from files: every entry is judged anew from its stored transforms."""
