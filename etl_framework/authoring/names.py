"""Names for columns that are called otherwise where they come from."""

from __future__ import annotations

import re
import unicodedata

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,126}", re.ASCII)
LONGEST = 127
# Letters that do not come apart into one of ASCII and a mark.
LETTERS = str.maketrans({"ß": "ss", "æ": "ae", "ø": "o", "đ": "d", "ł": "l", "œ": "oe"})


def name_for(there: str, taken: set[str]) -> str:
    """Return the name of a column here, and add it to `taken`, in lower case.

    It is the column's own, if a column here may be called so: `Order ID` becomes `order_id`, a
    second one `order_id_2`.
    """
    name = there
    if not NAME.fullmatch(there):
        plain = unicodedata.normalize("NFKD", there.lower().translate(LETTERS))
        words = re.findall(r"[a-z0-9]+", plain.encode("ascii", "ignore").decode())
        name = "_".join(words)[: LONGEST - 5] or "column"
        name = name if not name[0].isdigit() else f"c_{name}"
    free, number = name, 1
    while free.lower() in taken:
        number += 1
        free = f"{name[: LONGEST - 5]}_{number}"
    taken.add(free.lower())
    return free
