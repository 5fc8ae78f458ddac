"""How many times as long as usual tests wait: sanitized builds are slow, and say so in LAMELLA_TEST_SLOWER."""

import os

SLOWER = int(os.environ.get("LAMELLA_TEST_SLOWER", "1"))
