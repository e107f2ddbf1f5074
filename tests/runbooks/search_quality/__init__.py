"""Search quality: questions of operators with the right runbook, and the figures."""
