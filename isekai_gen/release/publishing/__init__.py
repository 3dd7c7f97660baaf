"""Upload to a hub."""
