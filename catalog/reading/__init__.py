"""Reads stored streams back in blocks, whoever wrote them."""
