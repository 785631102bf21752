"""The local Application Insights: takes telemetry over HTTP, keeps it in one SQLite file, shows it as transactions.

`ingest` turns request bodies into rows, `store` keeps rows, `server` runs both on loopback, `transaction` arranges the
rows of one operation as a tree and `console` prints that tree.
"""
