"""croissant.json: the release in Croissant 1.1 with RAI and PROV."""
