"""Inventing concepts: engines that propose groups, and checks that refuse them."""
