"""Put several JUnit result files into one, for `surefill checklist`.

python scripts/join_results.py build/tests.xml build/pure.xml build/rest.xml
"""

from __future__ import annotations

import sys
from pathlib import Path
from xml.etree import ElementTree


def main() -> None:
    """Write the first file from the others; a missing one is an error, not a smaller total."""
    out, *parts = (Path(argument) for argument in sys.argv[1:])
    joined = ElementTree.Element("testsuites")
    for part in parts:
        joined.extend(ElementTree.parse(part).getroot().findall("testsuite"))
    ElementTree.ElementTree(joined).write(out, encoding="utf-8", xml_declaration=True)


if __name__ == "__main__":
    main()
