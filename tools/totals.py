#!/usr/bin/env python3
"""Print `<passed> <failed>` summed over JUnit files, as ctest and pytest write them; name the failed and skipped
tests on standard error. A file that is missing or unreadable counts as one failure: its tests did not report."""

import sys
import xml.etree.ElementTree as ElementTree


def count(path):
    """Return (passed, failed, skipped) with the names of the last two as lists."""
    try:
        root = ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError) as error:
        return 0, [f"{path} ({error})"], []
    passed, failed, skipped = 0, [], []
    for case in root.iter("testcase"):
        # ctest repeats the name of the test as the name of its class.
        name = ".".join(dict.fromkeys(part for part in (case.get("classname"), case.get("name")) if part))
        tags = {child.tag for child in case}
        if tags & {"failure", "error"} or case.get("status") == "fail":
            failed.append(name)
        elif "skipped" in tags or case.get("status") in ("notrun", "disabled"):
            reason = next((child.get("message") for child in case if child.tag == "skipped"), "")
            skipped.append(f"{name}: {reason}" if reason else name)
        else:
            passed += 1
    return passed, failed, skipped


def main(paths):
    total_passed, total_failed = 0, 0
    for path in paths:
        passed, failed, skipped = count(path)
        total_passed += passed
        total_failed += len(failed)
        for name in failed:
            print(f"failed: {name}", file=sys.stderr)
        for name in skipped:
            print(f"skipped: {name}", file=sys.stderr)
    print(total_passed, total_failed)


if __name__ == "__main__":
    main(sys.argv[1:])
