"""SIGNATURES: who made a bundle. Files are minisign's (Ed25519 over BLAKE2b), so that its own tool reads them too."""
