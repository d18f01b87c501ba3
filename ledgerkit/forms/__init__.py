"""Forms: searching, reading, creating and approving without typing code."""
