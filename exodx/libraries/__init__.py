"""LIBRARIES: what a library of reads is measured by, a file a way: what training specimens teach, and how one specimen is measured.

Both stand side by side because they must agree. What is stored is numbers, and what a specimen becomes does not depend on who else
is in the batch.
"""
