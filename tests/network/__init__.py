"""The network: trust, proxies, bounds and where a request may go."""
