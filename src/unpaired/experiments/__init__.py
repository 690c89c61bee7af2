"""The papers' experiments as data, with their claims."""
