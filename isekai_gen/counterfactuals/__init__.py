"""Counterfactual samples: an object without its context, a context without its object."""
