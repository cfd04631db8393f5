"""Numbers of persons that prove themselves: by check digits, mostly with a date of birth in them.

Each function says whether one text is such a number; what a column is, :mod:`exodx.privacy.identifiers` tells from all its cells.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from types import MappingProxyType

_LETTERS_OF_DNI = "TRWAGMYFPDXBNJZSQVHLCKE"
_LETTERS_OF_HETU = "0123456789ABCDEFHJKLMNPRSTUVWXY"
_ODD = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)
_ODD_OF_CODICE = dict(zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", (*_ODD, *_ODD[:10]), strict=True))
_CODICE = re.compile(r"[A-Z]{6}\d{2}[ABCDEHLMPRST]\d{2}[A-Z]\d{3}[A-Z]")
_HETU = re.compile(r"(\d{6})[-+A-FU-Y](\d{3})([0-9A-Y])")
_SSN = re.compile(r"(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}")


def _weighted(digits: str, weights: Sequence[int]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True))


def _bare(text: str, n: int) -> str | None:
    """Return n digits without the blanks, points and dashes between them; None where they are not all alike and n."""
    digits = re.sub(r"[ .\-/]", "", text)
    return digits if len(digits) == n and digits.isascii() and digits.isdecimal() and len(set(digits)) > 1 else None


def _is_date(day: str, month: str) -> bool:
    return 1 <= int(day) <= 31 and 1 <= int(month) <= 12


def _luhn(digits: str) -> bool:
    doubled = [int(d) * (2 if i % 2 else 1) for i, d in enumerate(reversed(digits))]
    return sum(d // 10 + d % 10 for d in doubled) % 10 == 0


def is_nhs(text: str) -> bool:
    """NHS number (United Kingdom): ten digits, modulus 11.

    >>> is_nhs("943 476 5919"), is_nhs("943 476 5918")
    (True, False)
    """
    d = _bare(text, 10)
    return d is not None and (11 - _weighted(d[:9], range(10, 1, -1)) % 11) % 11 == int(d[9])


def is_bsn(text: str) -> bool:
    """Burgerservicenummer (the Netherlands): nine digits, the test of eleven."""
    d = _bare(text, 9)
    return d is not None and _weighted(d, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0


def is_nir(text: str) -> bool:
    """Numéro de sécurité sociale (France): sex, year, month, place, order; modulus 97."""
    digits = re.sub(r"[ .\-]", "", text).upper().replace("2A", "19").replace("2B", "18")
    d = _bare(digits, 15)
    return d is not None and d[0] in "12" and (1 <= int(d[3:5]) <= 12 or int(d[3:5]) >= 20) and 97 - int(d[:13]) % 97 == int(d[13:])


def is_dni(text: str) -> bool:
    """DNI or NIE (Spain): eight digits (or X, Y, Z and seven) and a letter, modulus 23."""
    t = re.sub(r"[ .\-]", "", text).upper()
    if not re.fullmatch(r"[XYZ\d]\d{7}[A-Z]", t):
        return False
    return _LETTERS_OF_DNI[int(t[0].translate(str.maketrans("XYZ", "012")) + t[1:8]) % 23] == t[8]


def is_codice_fiscale(text: str) -> bool:
    """Codice fiscale (Italy): sixteen letters and digits, the last a check.

    >>> is_codice_fiscale("RSSMRA85T10A562S"), is_codice_fiscale("RSSMRA85T10A562T")
    (True, False)
    """
    t = text.strip().upper()
    if not _CODICE.fullmatch(t):
        return False
    even = sum(int(c) if c.isdecimal() else ord(c) - 65 for c in t[1:15:2])
    return chr(65 + (sum(_ODD_OF_CODICE[c] for c in t[:15:2]) + even) % 26) == t[15]


def is_pesel(text: str) -> bool:
    """PESEL (Poland): eleven digits that begin with a date of birth.

    >>> is_pesel("44051401359"), is_pesel("44051401358")
    (True, False)
    """
    d = _bare(text, 11)
    if d is None or not _is_date(d[4:6], str((int(d[2:4]) - 1) % 20 + 1)):
        return False
    return -_weighted(d[:10], (1, 3, 7, 9) * 2 + (1, 3)) % 10 == int(d[10])


def is_fodselsnummer(text: str) -> bool:
    """Fødselsnummer (Norway): a date of birth, and two check digits.

    >>> is_fodselsnummer("01010750160"), is_fodselsnummer("01010750161")
    (True, False)
    """
    d = _bare(text, 11)
    if d is None or not _is_date(str(int(d[:2]) % 40), str(int(d[2:4]) % 40)):
        return False
    first = -_weighted(d[:9], (3, 7, 6, 1, 8, 9, 4, 5, 2)) % 11
    second = -_weighted(d[:10], (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return (str(first), str(second)) == (d[9], d[10])


def is_personnummer(text: str) -> bool:
    """Personnummer (Sweden): a date of birth, three digits, and a check after Luhn.

    >>> is_personnummer("811218-9876"), is_personnummer("811218-9875")
    (True, False)
    """
    d = _bare(text.replace("+", "-"), 10) or _bare(text, 12)
    if d is None or (len(d) == 12 and d[:2] not in ("18", "19", "20")):
        return False
    d = d[-10:]
    return _is_date(str(int(d[4:6]) % 60), d[2:4]) and _luhn(d)


def is_hetu(text: str) -> bool:
    """Henkilötunnus (Finland): a date of birth, the century's sign, and a check letter.

    >>> is_hetu("131052-308T"), is_hetu("131052-308U")
    (True, False)
    """
    match = _HETU.fullmatch(text.strip().upper())
    if match is None or not _is_date(match[1][:2], match[1][2:4]):
        return False
    return _LETTERS_OF_HETU[int(match[1] + match[2]) % 31] == match[3]


def is_rijksregister(text: str) -> bool:
    """Rijksregisternummer (Belgium): a date of birth, a number, modulus 97."""
    d = _bare(text, 11)
    if d is None or int(d[2:4]) > 12 or int(d[4:6]) > 31:
        return False
    return any(97 - int(century + d[:9]) % 97 == int(d[9:]) for century in ("", "2"))


def is_cpf(text: str) -> bool:
    """CPF (Brazil): eleven digits, two of them checks."""
    d = _bare(text, 11)
    if d is None:
        return False
    checks = [_weighted(d[:n], range(n + 1, 1, -1)) * 10 % 11 % 10 for n in (9, 10)]
    return checks == [int(d[9]), int(d[10])]


def is_resident_identity(text: str) -> bool:
    """Resident identity number (China): place, date of birth, number; ISO 7064, modulus 11-2.

    >>> is_resident_identity("11010519491231002X"), is_resident_identity("110105194912310021")
    (True, False)
    """
    t = text.strip().upper()
    if not re.fullmatch(r"[1-9]\d{5}(?:18|19|20)\d{9}[\dX]", t) or not _is_date(t[12:14], t[10:12]):
        return False
    return "10X98765432"[_weighted(t[:17], [pow(2, 17 - i, 11) for i in range(17)]) % 11] == t[17]


def is_ssn(text: str) -> bool:
    """Social security number (United States), as it is written: 3-2-4 digits, which have no check."""
    return _SSN.fullmatch(text.strip()) is not None


PERSONAL_NUMBERS: MappingProxyType[str, Callable[[str], bool]] = MappingProxyType(
    {
        "NHS numbers": is_nhs,
        "burgerservicenummers": is_bsn,
        "numéros de sécurité sociale": is_nir,
        "DNI or NIE": is_dni,
        "codici fiscali": is_codice_fiscale,
        "PESEL numbers": is_pesel,
        "fødselsnummer": is_fodselsnummer,
        "personnummer": is_personnummer,
        "henkilötunnus": is_hetu,
        "rijksregisternummers": is_rijksregister,
        "CPF numbers": is_cpf,
        "resident identity numbers": is_resident_identity,
        "social security numbers": is_ssn,
    }
)
"""What they are called → the test of one text."""
