"""OTLP over HTTP: traces, logs and metrics as OpenTelemetry sends them, stored as our exporter would have sent them."""
