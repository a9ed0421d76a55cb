"""Changes of the contract, and the verdicts on them."""
