"""Plans, against a service in memory."""
