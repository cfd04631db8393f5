"""A cohort whose specimens and subjects have pseudonyms, for what is shown of it elsewhere."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from exodx.cohort.cohort import Cohort
from exodx.privacy.pseudonyms import pseudonym


def under_pseudonyms(cohort: Cohort, key: bytes | None) -> Cohort:
    """Return a cohort whose specimens' and subjects' ids are their pseudonyms; as it is without a key.

    A specimen without a stated subject is its own, under one pseudonym. Values, states and labels stay.
    """
    if key is None:
        return cohort
    index = pd.Index([pseudonym(identity, key) for identity in cohort.ids], name=cohort.specimens.index.name)
    specimens = cohort.specimens.set_axis(index)
    specimens["subject"] = [pseudonym(str(subject), key) for subject in specimens["subject"]]
    return replace(
        cohort,
        specimens=specimens,
        reference_standard=None if cohort.reference_standard is None else cohort.reference_standard.set_axis(index),
        unused=None if cohort.unused is None else cohort.unused.set_axis(index),
        labels=None if cohort.labels is None else cohort.labels.set_axis(index),
        written=None if cohort.written is None else cohort.written.set_axis(index),
    )
