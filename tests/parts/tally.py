"""Counts checks and prints each on its line."""

import traceback


class Tally:
    def __init__(self):
        self.passed = 0
        self.failed = 0

    def check(self, name, holds, details=""):
        """One check; `details` are printed if it fails."""
        if holds:
            self.passed += 1
            print(f"ok {name}", flush=True)
        else:
            self.failed += 1
            print(f"FAILED {name}: {str(details)[:2000]}", flush=True)

    def equal(self, name, found, wanted):
        self.check(name, found == wanted, f"{found!r:.800} instead of {wanted!r:.800}")

    def group(self, function, *parts):
        """Runs the checks of one function. An exception counts as a failed check."""
        try:
            function(self, *parts)
        except Exception:
            trace = " | ".join(line.strip() for line in traceback.format_exc().splitlines() if line.strip(" ^~"))
            self.check(f"{function.__name__} runs to its end", False, trace[-1500:])

    def end(self):
        """The closing line, and the exit status."""
        # In cargo's format, so that CI counts it with the other tests
        print(f"test result: {self.passed} passed; {self.failed} failed")
        return 0 if self.passed and not self.failed else 1
