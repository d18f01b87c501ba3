"""The life of a token, and how a session signs in."""
