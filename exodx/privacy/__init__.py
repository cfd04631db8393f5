"""PRIVACY."""
