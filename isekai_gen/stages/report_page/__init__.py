"""The HTML file of `isekai-gen report`: one module for each of its sections."""
