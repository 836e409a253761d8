"""A training run and its evaluation as one HTML file that needs nothing else."""

from core.report.collect import REPORT_FILE, collect_report, write_evaluation_report
from core.report.example_pictures import Example
from core.report.html import Fact, ReportData, write_report
from core.report.printing import PrintedReport, print_report

__all__ = [
    "REPORT_FILE",
    "Example",
    "Fact",
    "PrintedReport",
    "ReportData",
    "collect_report",
    "print_report",
    "write_evaluation_report",
    "write_report",
]
