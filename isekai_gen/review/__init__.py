"""The local page on which people decide the borderline."""
