"""SHELF: bundles that were fetched once, by their hash, and which hash a URI means; without importing mlflow."""

from exodx.shelf.ask import registered_hash
from exodx.shelf.kept import home_folder, keep_bundle, kept_bundle

__all__ = ["home_folder", "keep_bundle", "kept_bundle", "registered_hash"]
