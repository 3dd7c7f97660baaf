"""What differs between two versions, and what that asks of the version."""
