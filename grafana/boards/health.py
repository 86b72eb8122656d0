"""Dashboard 3: whether the system itself is well, from Prometheus."""

from grafana_foundation_sdk.builders import dashboard

from grafana.boards.common import board, prometheus_variable
from grafana.colors import BAD, GOOD, WARNING
from grafana.panels import limits, lines, number, promql, stacked

UID = "tabserve-health"
RATE = "[$__rate_interval]"


def build() -> dashboard.Dashboard:
    """Return the dashboard."""
    errors = f'sum(rate(tabserve_requests_total{{status=~"5.."}}{RATE})) / sum(rate(tabserve_requests_total{RATE}))'
    panels = [
        number(
            "API",
            "Whether its metrics can be read.",
            promql("min(up{job='tabserve'})"),
            "short",
            limits((None, BAD), (1, GOOD)),
        ),
        number(
            "Errors",
            "Share of requests answered with 5xx.",
            promql(errors),
            "percentunit",
            limits((None, GOOD), (0.01, WARNING), (0.05, BAD)),
        ),
        number(
            "Files waiting",
            "Good files without predictions.",
            promql("max(tabserve_pending_files)"),
            "short",
            limits((None, GOOD), (10, WARNING), (100, BAD)),
        ),
        number(
            "Alerts not sent",
            "Alerts nobody has been told about.",
            promql("max(tabserve_unsent_alerts)"),
            "short",
            limits((None, GOOD), (1, WARNING), (10, BAD)),
        ),
        stacked(
            "Requests a second",
            "By route.",
            promql(f"sum by (route) (rate(tabserve_requests_total{RATE}))", "{{route}}"),
            "reqps",
        ),
        lines(
            "Latency",
            "The time half, and 95 %, of the requests stay below.",
            [
                promql(
                    f"histogram_quantile({share}, sum by (le) (rate(tabserve_request_seconds_bucket{RATE})))",
                    f"p{share * 100:.0f}",
                    name,
                )
                for share, name in ((0.5, "A"), (0.95, "B"))
            ],
            "s",
            limits((None, GOOD), (1, WARNING), (5, BAD)),
        ),
        stacked(
            "Answers by status",
            "HTTP status of the answers, a second.",
            promql(f"sum by (status) (rate(tabserve_requests_total{RATE}))", "{{status}}"),
            "reqps",
        ),
        stacked(
            "Scheduled runs",
            "Runs of the scheduled scorer, by how they ended.",
            promql(f"sum by (status) (increase(tabserve_scheduled_runs_total{RATE}))", "{{status}}"),
            names=("completed", "skipped", "failed"),
        ),
        stacked(
            "Predictions a second",
            "By use case and source.",
            promql(f"sum by (use_case, source) (rate(tabserve_predictions_total{RATE}))", "{{use_case}} {{source}}"),
        ),
        stacked(
            "Rows a second",
            "Rows of raw files, by quality.",
            promql(f"sum by (quality) (rate(tabserve_rows_total{RATE}))", "{{quality}}"),
            names=("good", "bad"),
        ),
        lines(
            "Time to read the metrics",
            "How long Prometheus waits for the counters: a busy database shows here.",
            [promql("max(scrape_duration_seconds{job='tabserve'})", "seconds")],
            "s",
        ),
        lines(
            "Accuracy and precision by version",
            "In the last window of each version, measured where outcomes are known, or estimated.",
            [
                promql(
                    "tabserve_performance{metric=~'accuracy|precision'}",
                    "{{use_case}} {{metric}}, {{kind}}, {{model_version}}",
                )
            ],
            "percentunit",
        ),
        stacked(
            "Drift verdicts",
            "Columns judged, by state.",
            promql(f"sum by (state) (increase(tabserve_drift_verdicts_total{RATE}))", "{{state}}"),
            names=("ok", "warning", "alarm", "severe", "insufficient"),
        ),
    ]
    about = "Does the system answer, how fast, and does its work get done?"
    return board(UID, "tabserve: system health", about, panels, prometheus_variable())
