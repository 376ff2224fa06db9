"""What the static page knows of the package: profiles, the model that ships, names of tags.

``python -m tests.static_page`` writes it after one of them has changed.
"""

import json

from difficmh_core.config.profiles import NUMBERED_PROFILES, PROFILES
from difficmh_core.errors import BackendUnavailableError
from difficmh_core.tagging.vocabulary import load_vocabulary
from tests.documents import ROOT

PAGE = ROOT / "difficmh_core" / "ui" / "static_page" / "index.html"
PACKAGED = PAGE.with_name("packaged.js")
GOLDEN = ROOT / "tests" / "golden"


def packaged() -> str:
    """The script as it should be."""
    profiles = {
        number: {
            "name": profile.name,
            "vocabularySize": profile.vocabulary_size,
            "hasRates": bool(profile.rates),
            "hasNames": _has_names(profile.vocabulary),
        }
        for number, profile in NUMBERED_PROFILES.items()
    }
    golden = json.loads((GOLDEN / "golden.json").read_text())
    names = load_vocabulary(PROFILES["nano"].vocabulary).names
    return (
        "/* Written by `python -m tests.static_page`: profiles by their numbers, the fingerprint\n"
        "   of the model that ships, and the names of its tags by their numbers. */\n\n"
        "const PACKAGED = {\n"
        f"  profiles: {json.dumps(profiles)},\n"
        f"  fingerprints: {json.dumps({'nano': golden['fingerprint']})},\n"
        f"  names: {json.dumps('|'.join(names))}.split('|'),\n"
        "};\n"
    )


def _has_names(vocabulary: str) -> bool:
    try:
        load_vocabulary(vocabulary)
    except BackendUnavailableError:
        return False
    return True


if __name__ == "__main__":
    PACKAGED.write_text(packaged(), encoding="utf-8")
