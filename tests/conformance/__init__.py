"""Whether the client agrees with the contract, held against the contract and not against the sandbox."""
