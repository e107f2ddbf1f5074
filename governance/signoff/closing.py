"""Close a request. No other module writes a request's state."""

from datetime import datetime

from governance.signoff import transitions
from governance.signoff.choices import RequestState
from governance.signoff.models import StatusChangeRequest


def close_request(
    request: StatusChangeRequest, state: RequestState, *, reason: str, at: datetime
) -> None:
    """Move a request to a closed state.

    :raises ValueError: the transition table does not allow it.
    """
    if not transitions.request_may_become(request.state, state):
        raise ValueError(f"A request that is {request.state} cannot become {state}.")
    request.state, request.closed_at, request.closed_reason = state, at, reason
    request.save(update_fields=["state", "closed_at", "closed_reason", "dependence"])
