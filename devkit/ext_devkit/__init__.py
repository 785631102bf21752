"""A local Functions host and a local Application Insights, to see and test extensions without Azure."""

__all__: list[str] = []
