"""Mutation testing: each line that loses or changes a number when it is changed must make a test fail."""
