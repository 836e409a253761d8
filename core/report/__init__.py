"""A training run and its evaluation as one HTML file that needs nothing else, or on paper."""

from core.report.collect import collect_report
from core.report.example_pictures import Example
from core.report.html import Fact, ReportData, write_report
from core.report.printing import PrintedReport, print_report

__all__ = [
    "Example",
    "Fact",
    "PrintedReport",
    "ReportData",
    "collect_report",
    "print_report",
    "write_report",
]
