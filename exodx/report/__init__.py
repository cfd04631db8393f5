"""PAPER."""
