"""One SQLite file with a table per item type, named and shaped as in Application Insights."""
