"""How well the search answers operators: questions with the runbook that answers, and the figures."""
