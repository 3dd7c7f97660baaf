"""isekai-gen builds and curates datasets of images of things that do not exist."""
