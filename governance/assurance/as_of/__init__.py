"""The state of runbooks at another moment, computed from the ledger (docs/decisions/0013).

The answers describe the past. They permit nothing now.
"""

from governance.assurance.as_of.filters import filtered_as_of
from governance.assurance.as_of.moment import AS_OF, AsOfError, moment_of
from governance.assurance.as_of.status import RunbookAsOf, runbooks_as_of

__all__ = ["AS_OF", "AsOfError", "RunbookAsOf", "filtered_as_of", "moment_of", "runbooks_as_of"]
