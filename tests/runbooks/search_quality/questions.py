"""The labelled set: what an operator types, and the runbook that must come first.

Made from the situations and documents of ``fixtures/``. The ranking may be tuned on these.
"""

EXECUTION = "executionpipeline-governance-and-risk-runbook"
SEVERITY = "live-risk-severity-integration"
ALERTS = "live-alert-pipeline-runbook"
INCIDENT = "incident-runbook-integration"
GO_NO_GO = "go-no-go-2026-live-alerts-and-escalation"
RESEARCH = "r-and-d-runbook-armstrong-and-el-karoui"
PLAYBOOK = "r-and-d-playbook-armstrong-and-el-karoui"
CROSS_RUN = "armstrong-x-el-karoui-cross-run-findings"
SANDBOX = "offline-realtime-pipeline-runbook"
QUICKSTART = "reporting-quickstart-evidence-chain"
D3 = "runbook-d3-watch-only-web-api-and-grafana"
D2 = "runbook-d2-reporting-and-compare-runs"
D4 = "runbook-d4-ops-governance-polish"
TO_FINISH = "runbook-to-finish-master"
FINISH_C = "finish-c-pointer-broker-adapter-and-live-ops"
SHADOW = "runbooks-and-incident-handling"

QUESTIONS: tuple[tuple[str, str], ...] = (
    # A blocked order
    ("order blockiert", EXECUTION),
    ("warum geht meine order nicht durch", EXECUTION),
    ("BLOCKED_BY_GOVERNANCE", EXECUTION),
    ("blocked_by_risk was tun", EXECUTION),
    ("ExecutionStatus", EXECUTION),
    ("order was rejected, may I retry?", EXECUTION),
    ("live_order_execution entsperren", EXECUTION),
    ("pre-session check", EXECUTION),
    ("vorprüfung vor der session", EXECUTION),
    ("Execution-Pipeline Blockade", EXECUTION),
    # The risk lights
    ("RED severity", SEVERITY),
    ("ampel rot", SEVERITY),
    ("Risk-Ampel gelb was tun", SEVERITY),
    ("dashboard shows red", SEVERITY),
    ("severty integration", SEVERITY),
    ("ampel zeigt nichts an", SEVERITY),
    ("yellow longer than an hour", SEVERITY),
    ("risk snapshot session", SEVERITY),
    ("new_orders=blocked fehlt", SEVERITY),
    # Alerts
    ("alarme kommen nicht an", ALERTS),
    ("no alerts arriving in slack", ALERTS),
    ("slack", ALERTS),
    ("e-mail alarm doppelt", ALERTS),
    ("zu viele Meldungen dämpfen", ALERTS),
    ("mute alert source", ALERTS),
    ("probealarm senden", ALERTS),
    ("Probealaram", ALERTS),
    ("alert pipline", ALERTS),
    ("viele Alerts wenig Klarheit", ALERTS),
    ("alert routing", ALERTS),
    # Incidents
    ("incident anlegen", INCIDENT),
    ("incident eröffnen und Zeitstrahl führen", INCIDENT),
    ("welcher incident typ", INCIDENT),
    ("Vorlage Zwischenmeldung", INCIDENT),
    ("incident schließen Checkliste", INCIDENT),
    ("risk-breach", INCIDENT),
    # The decision
    ("go/no-go", GO_NO_GO),
    ("no go 2026", GO_NO_GO),
    ("escalaton", GO_NO_GO),
    ("live alerts & escalation", GO_NO_GO),
    ("neue alerts einführen freigabe", GO_NO_GO),
    ("übergabe zwischen schichten", GO_NO_GO),
    ("uebergabe schicht", GO_NO_GO),
    ("darf die session weiterlaufen entscheidung", GO_NO_GO),
    ("Cluster 82–85", GO_NO_GO),
    ("change escalation logic", GO_NO_GO),
    # Research
    ("armstrong neuer experiment run", RESEARCH),
    ("armstrong_cycle startwerte", RESEARCH),
    ("el_karoui_vol_model lookback_days", RESEARCH),
    ("playbook", PLAYBOOK),
    ("hypothese und versuchsplan", PLAYBOOK),
    ("überanpassung", PLAYBOOK),
    ("cross-run findings", CROSS_RUN),
    ("Meta-Auswertung mehrere Läufe", CROSS_RUN),
    ("armstrong x el karoui findings", CROSS_RUN),
    ("AT_LOW", CROSS_RUN),
    # The sandbox
    ("is_synthetic=True", SANDBOX),
    ("sandbox", SANDBOX),
    ("strategie offline testen", SANDBOX),
    ("ma crossover parameter tuning", SANDBOX),
    ("synthetic ticks paper execution", SANDBOX),
    ("ma_crossover", SANDBOX),
    # Reports
    ("reporting quickstart", QUICKSTART),
    ("first time with run artefacts", QUICKSTART),
    ("digests.txt", QUICKSTART),
    ("two runs compare", D2),
    ("zwei runs vergleichen", D2),
    ("html report aus artefakten", D2),
    ("grafana", D3),
    ("read-only panels prüfen", D3),
    ("is it running? watch only", D3),
    # Documents and tracks
    ("docs prüfung rot", D4),
    ("merge protokoll", D4),
    ("toter verweis", D4),
    ("Definition von fertig", TO_FINISH),
    ("to finish master", TO_FINISH),
    ("finish-c", FINISH_C),
    ("broker adapter", FINISH_C),
    ("broker credentials found", FINISH_C),
    # Shadow
    ("shadow lauf starten", SHADOW),
    ("system anhalten", SHADOW),
    ("drill üben rhythmus", SHADOW),
    ("opsctl shadow stop", SHADOW),
)
