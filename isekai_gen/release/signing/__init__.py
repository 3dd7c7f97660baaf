"""Marks in pictures and signatures of checksums."""
