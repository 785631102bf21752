"""Custom telemetry and logs of Azure Functions, for Application Insights and OTLP."""
