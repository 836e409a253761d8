"""Quantisation: fake-quantised networks that compute what the exported int8 model will."""
