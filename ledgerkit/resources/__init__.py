"""One module for each section of the API reference."""
