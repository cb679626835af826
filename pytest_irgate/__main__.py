"""`python -m pytest_irgate`, the same as `irgate`."""

import sys

from pytest_irgate.command import main

sys.exit(main())
